"""`negspace compare`: one picture for every combination of up to three axes, on one sheet and one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from negspace.cli import show
from negspace.cli.options import (
    ClusterOption,
    JsonOption,
    OutFolderOption,
    WorkersOption,
    option,
    request_options,
)
from negspace.cli.planning import plan_of
from negspace.cli.sources import source_options
from negspace.models.files.source import Source
from negspace.request import Request

if TYPE_CHECKING:
    from negspace.lab.grid import GridMaker

_VALUES = 'NAME=VALUE; VALUE..., such as "scale=off; 3; 6"'


def _axis(name: str, where: str) -> Any:
    return option("AXIS", f"What varies {where}: {_VALUES}.", f"--{name}", f"-{name}")


@request_options
@source_options
def compare(
    request: Request,
    parts: Source,
    x: Annotated[str | None, _axis("x", "across")] = None,
    y: Annotated[str | None, _axis("y", "down")] = None,
    z: Annotated[str | None, _axis("z", "from sheet to sheet")] = None,
    out: OutFolderOption = Path("negspace-compare"),
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    json: JsonOption = False,
) -> None:
    """Compare pictures along up to three axes; each keeps its receipt.

    An axis is any field of the request: avoid, scale, rule, sampler, steps, seed, weighting, model...;
    window=0-0.6; 0.2-1, when everything avoided acts; prompt/WORDS=OTHER; OTHER or avoid/WORDS=OTHER,
    which replace words. The value off leaves it out. Options for what makes it hold for every model that
    an axis names.
    """
    from negspace.files import check_folder
    from negspace.lab.axes import axis

    axes = [axis(text) for text in (x, y, z) if text is not None]
    source = parts.with_path(request.model)
    plan_of(request, source)
    check_folder(out)

    from negspace.cli.running import open_model
    from negspace.lab.grid import GridMaker
    from negspace.lab.site import Site

    maker = GridMaker(request, axes, out, open_model(source), Site(workers, cluster), open_model)
    _watch(maker)
    grid = maker.grid()
    files = grid.save(out)
    if json:
        show.as_json({"cells": len(grid.cells), "files": [str(file) for file in files]})
        return
    for file in files:
        show.line(str(file), "bold")
    show.line(f"{len(grid.cells)} pictures with their receipts in {out / 'pictures'}", "dim")


def _watch(maker: "GridMaker") -> None:
    from rich.progress import Progress

    with Progress(console=show.err, transient=True, disable=not show.err.is_terminal) as bar:
        task = bar.add_task("pictures", total=len(maker.places))
        for done in maker:
            bar.update(task, completed=done)
