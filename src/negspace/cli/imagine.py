"""`negspace imagine`: pictures of a prompt without what is not wanted, and their receipt."""

from pathlib import Path
from typing import Annotated

import typer

from negspace.cli import show
from negspace.cli.options import (
    JsonOption,
    JudgesOption,
    OutFolderOption,
    in_checks,
    in_output,
    request_options,
)
from negspace.cli.output import WrittenFiles, write_run
from negspace.cli.planning import plan_of
from negspace.cli.receipt import show_receipt
from negspace.cli.sources import source_options
from negspace.models.files.source import Source
from negspace.request import Request

SheetOption = Annotated[bool, in_output("", "Also write all pictures on one sheet.", "--grid")]
RetriesOption = Annotated[
    int, in_checks("N", "How often a picture is made again for a check.", min=0, max=100)
]
SecondsOption = Annotated[float, in_checks("S", "No further attempt begins after these.", min=0)]

WITHHELD = 3
"""Exit code where a check kept a picture back."""


@request_options
@source_options
def imagine(
    request: Request,
    parts: Source,
    out: OutFolderOption = Path("negspace-pictures"),
    grid: SheetOption = False,
    judge: JudgesOption = None,
    retries: RetriesOption = 3,
    retry_seconds: SecondsOption = 300.0,
    json: JsonOption = False,
) -> None:
    """Make pictures without what is not wanted, with a receipt.

    Every PNG carries the infotext that other tools read, and its own receipt.
    The receipt of the whole run lies beside them as JSON.
    Exit code 3 says that a check kept pictures back; their record is in the receipt.
    """
    from negspace.contact_sheet import near_square, sheet
    from negspace.files import check_folder
    from negspace.planning.plan import refuse_blocked

    source = parts.with_path(request.model)
    # What can be known to be wrong is refused before weights are read and before anything is written.
    plan = plan_of(request, source)
    refuse_blocked(plan)
    check_folder(out)

    from negspace.cli.running import make, open_model  # torch: the seconds begin here
    from negspace.judge import open_judges
    from negspace.run.escalation import Limits

    judges = open_judges(judge) if judge else None
    limits = Limits(retries=retries, seconds=retry_seconds)
    result = make(open_model(source, judges, limits), plan)
    contact_sheet = sheet(near_square(result.images)) if grid and result.images else None
    written = write_run(out, result.images, result.receipt, contact_sheet)
    if json:
        show.as_json(
            {
                "pictures": [str(file) for file in written.pictures],
                "grid": None if written.grid is None else str(written.grid),
                "receipt_file": str(written.receipt),
                "seconds": round(result.seconds, 3),
                "receipt": result.receipt.model_dump(mode="json"),
            }
        )
    else:
        show_written(written)
        show.line("")
        show_receipt(result.receipt)
        show.line("")
        show.line(f"made in {result.seconds:.1f} s", "dim")
    if result.receipt.withheld:
        raise typer.Exit(WITHHELD)


def show_written(written: WrittenFiles) -> None:
    """The files that were written, one a line."""
    for file in written.pictures:
        show.line(str(file), "bold")
    if written.grid is not None:
        show.line(f"{written.grid}  (all of them)")
    show.line(f"{written.receipt}  (receipt)")
