"""`negspace curves`: what the scale does to a request, without and with its negative, as figures."""

from pathlib import Path
from typing import Annotated

from negspace.cli import show
from negspace.cli.options import (
    ClusterOption,
    JsonOption,
    JudgesOption,
    OutFolderOption,
    WorkersOption,
    in_generation,
    request_options,
)
from negspace.cli.planning import plan_of
from negspace.cli.sources import source_options
from negspace.errors import LabError
from negspace.models.files.source import Source
from negspace.request import Request


@request_options
@source_options
def curves(
    request: Request,
    parts: Source,
    scales: Annotated[str | None, in_generation("W,W...", "Scales, with commas.")] = None,
    pictures: Annotated[int, in_generation("N", "At every scale, on each side.", min=2)] = 24,
    out: OutFolderOption = Path("negspace-curves"),
    judge: JudgesOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    json: JsonOption = False,
) -> None:
    """Draw what the scale does: leak, variety, and how the negative acted step by step.

    Leak and variety against the scale, without and with the negative on the same noise; push and
    effective strength at every step; the measured vectors of guidance; where in the picture it acted.
    """
    from negspace.files import check_folder

    chosen = _scales(scales)
    source = parts.with_path(request.model)
    plan_of(request, source)
    check_folder(out)

    from negspace.cli.running import open_model, site_of, watch
    from negspace.judge import open_judges
    from negspace.lab.curves import SCALES, CurveMaker

    model = open_model(source)
    with CurveMaker(
        request,
        model,
        folder=out,
        scales=chosen or SCALES,
        pictures=pictures,
        witness=open_judges(judge) if judge else None,
        site=site_of(model, workers, cluster),
    ) as maker:
        watch(maker)
        drawn = maker.curves()
    files = drawn.save(out)
    if json:
        show.as_json({**drawn.numbers.model_dump(mode="json"), "files": [str(file) for file in files]})
        return
    rows = [
        [
            f"{point.scale:g}",
            f"{point.leak.hits / point.leak.of:.0%}",
            f"{point.leak_with.hits / point.leak_with.of:.0%}",
            f"{point.lacking_with.hits / point.lacking_with.of:.0%}",
            f"{point.variety:.2f}",
            f"{point.variety_with:.2f}",
        ]
        for point in drawn.numbers.points
    ]
    show.table(("scale", "leak", "with it", "wanted is missing", "variety", "with it"), rows)
    show.line("")
    for file in files:
        show.line(str(file), "bold")


def _scales(text: str | None) -> tuple[float, ...]:
    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise LabError(f"scales: {text!r} is no list of numbers such as 1,2.5,6") from None
