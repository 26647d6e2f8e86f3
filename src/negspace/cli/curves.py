"""`negspace curves`: what the scale does to a request, without and with its negative, as figures."""

from pathlib import Path
from typing import Annotated

import typer

from negspace.cli import show
from negspace.cli.options import (
    GENERATION_PANEL,
    Cluster,
    Json,
    Judges,
    OutFolder,
    Workers,
    request_options,
)
from negspace.cli.planning import check_settings
from negspace.cli.sources import source_options
from negspace.models.files.source import Source
from negspace.request import Request


@request_options
@source_options
def curves(
    request: Request,
    parts: Source,
    scales: Annotated[
        str | None,
        typer.Option(
            metavar="W,W...",
            help="Scales, with commas.",
            rich_help_panel=GENERATION_PANEL,
            show_default=False,
        ),
    ] = None,
    pictures: Annotated[
        int,
        typer.Option(
            metavar="N", min=2, help="At every scale, on each side.", rich_help_panel=GENERATION_PANEL
        ),
    ] = 24,
    out: OutFolder = Path("negspace-curves"),
    judge: Judges = None,
    workers: Workers = None,
    cluster: Cluster = None,
    json: Json = False,
) -> None:
    """Draw what the scale does: leak, variety, and how the negative acted step by step.

    Leak and variety against the scale, without and with the negative on the same noise; push and
    effective strength at every step; the measured vectors of guidance; where in the picture it acted.
    """
    from negspace.cli.planning import plan_of
    from negspace.files import check_folder

    chosen = _scales(scales)
    source = parts.with_path(request.model)
    check_settings(plan_of(request, source))
    check_folder(out)

    from negspace.cli.running import open_model, site_of, watch
    from negspace.judge import open_judges
    from negspace.lab.curves import SCALES, Drawing

    model = open_model(source)
    with Drawing(
        request,
        model,
        folder=out,
        scales=chosen or SCALES,
        pictures=pictures,
        witness=open_judges(judge) if judge else None,
        site=site_of(model, workers, cluster),
    ) as drawing:
        watch(drawing)
        found = drawing.curves()
    files = found.save(out)
    if json:
        show.as_json({**found.found.model_dump(mode="json"), "files": [str(file) for file in files]})
        return
    rows = [
        [
            f"{one.scale:g}",
            f"{one.leak.hits / one.leak.of:.0%}",
            f"{one.leak_with.hits / one.leak_with.of:.0%}",
            f"{one.lacking_with.hits / one.lacking_with.of:.0%}",
            f"{one.variety:.2f}",
            f"{one.variety_with:.2f}",
        ]
        for one in found.found.points
    ]
    show.table(("scale", "leak", "with it", "wanted is missing", "variety", "with it"), rows)
    show.line("")
    for file in files:
        show.line(str(file), "bold")


def _scales(text: str | None) -> tuple[float, ...]:
    from negspace.errors import LabError

    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise LabError(f"scales: {text!r} is no list of numbers such as 1,2.5,6") from None
