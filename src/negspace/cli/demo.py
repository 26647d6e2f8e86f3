"""`negspace demo`: the same seeds without and with a negative, side by side."""

from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from negspace.cli import show
from negspace.cli.imagine import show_written
from negspace.cli.output import write_run
from negspace.cli.receipt import acted, counted
from negspace.request import Request

Folder = Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where everything goes.")]

PAIRS = (
    ("a snowman, night", "hat"),
    ("a red house, meadow", "smoke, blurry"),
    ("a blue boat, beach", "flag, watermark"),
)
_COUNT = 4
_SEED = 7


def demo(out: Folder = Path("demo")) -> None:
    """Draw three prompts without and with a negative, on the same seeds."""
    from negspace import png
    from negspace.cli.making import make, open_model
    from negspace.files import check_folder, write_whole
    from negspace.models.folder import EMBEDDED
    from negspace.sheet import sheet

    check_folder(out)
    model = open_model(EMBEDDED)
    rows: list[tuple[Image.Image, ...]] = []
    labels: list[str] = []
    for prompt, avoid in PAIRS:
        for negative in (None, avoid):
            request = Request(prompt=prompt, avoid=negative, model=EMBEDDED, seed=_SEED, n=_COUNT)
            result = make(model, request)
            written = write_run(out, result.images, result.receipt, None)
            rows.append(result.images)
            labels.append(prompt if negative is None else f"the same, avoiding {negative}")
            show.line(labels[-1], "bold")
            show.pairs([("negative acted", acted(result.receipt)), ("counted", counted(result.receipt))])
            show_written(written)
            show.line("")
    side_by_side = out / "side-by-side.png"
    headings = [f"seed {_SEED + index}" for index in range(_COUNT)]
    write_whole({side_by_side: png.encode(sheet(rows, headings=headings, labels=labels))})
    show.line(f"side by side: {side_by_side}", "bold")
    show.line("Each picture carries its receipt: negspace read FILE.")
