"""`negspace demo`: the same seeds without and with a negative, and what an oracle sees in the pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from PIL import Image

from negspace.cli import show
from negspace.cli.imagine import show_written
from negspace.cli.output import write_run
from negspace.cli.receipt import acted, counted
from negspace.errors import RequestError
from negspace.request import Request

if TYPE_CHECKING:
    from negspace.judge import Oracle

Folder = Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where everything goes.")]
Count = Annotated[int, typer.Option("--number", "-n", metavar="N", help="Pictures a row.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Of the first picture of every row.")]

PAIRS = (
    ("a snowman, night", ("hat",)),
    ("a red house, meadow", ("smoke",)),
    ("a blue boat, beach", ("flag",)),
)
"""Prompts, and what comes along with them unasked. One thing each: several in one text weaken each other."""


def demo(out: Folder = Path("demo"), n: Count = 6, seed: Seed = 7) -> None:
    """Draw three prompts without and with a negative, on the same seeds."""
    from negspace import png
    from negspace.cli.making import make, open_model
    from negspace.files import check_folder, write_whole
    from negspace.judge import Oracle
    from negspace.models.place import EMBEDDED, Source
    from negspace.sheet import sheet

    if n < 1:
        raise RequestError(f"at least one picture a row, not {n}")
    check_folder(out)
    model = open_model(Source(EMBEDDED))
    oracle = Oracle.load()
    rows: list[Sequence[Image.Image]] = []
    labels: list[str] = []
    seen: list[tuple[str, ...]] = []
    for prompt, concepts in PAIRS:
        pair: list[Sequence[Image.Image]] = []
        for avoid in (None, ", ".join(concepts)):
            result = make(model, Request(prompt=prompt, avoid=avoid, model=EMBEDDED, seed=seed, n=n))
            written = write_run(out, result.images, result.receipt, None)
            pair.append(result.images)
            labels.append(prompt if avoid is None else f"the same, avoiding {avoid}")
            show.line(labels[-1], "bold")
            show.pairs([("acted", acted(result.receipt)), ("counted", counted(result.receipt))])
            show_written(written)
            show.line("")
        rows += pair
        seen += [
            (prompt, concept, *(_times(oracle, pictures, concept) for pictures in pair))
            for concept in concepts
        ]
    side_by_side = out / "side-by-side.png"
    headings = [f"seed {seed + index}" for index in range(n)]
    write_whole({side_by_side: png.encode(sheet(rows, headings=headings, labels=labels))})
    show.line(
        "What the oracle sees: a network that was trained on drawn scenes alone and never read a caption."
    )
    show.table(("prompt", "avoided", "without", "with"), seen)
    show.line("")
    show.line(f"side by side:  {side_by_side}", "bold")
    show.line("Each picture carries its receipt: negspace read FILE")


def _times(oracle: "Oracle", pictures: Sequence[Image.Image], concept: str) -> str:
    """In how many of the pictures the oracle sees a concept."""
    return f"{sum(reading.has(concept) for reading in oracle.read(pictures))} of {len(pictures)}"
