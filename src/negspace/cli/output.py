"""Where pictures and receipts go: one number a run, nothing overwritten, everything or nothing written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from negspace import png
from negspace.files import write_whole
from negspace.receipt import Receipt

_LONGEST_NAME = 48


@dataclass(frozen=True)
class WrittenFiles:
    """The files of one run.

    Attributes:
        pictures: one a picture, in the order of their seeds.
        receipt: the receipt of the whole run, as JSON.
        grid: all pictures on one sheet; None where none was asked for.
    """

    pictures: tuple[Path, ...]
    receipt: Path
    grid: Path | None


def write_run(
    folder: Path, images: Sequence[Image.Image], receipt: Receipt, grid: Image.Image | None
) -> WrittenFiles:
    """Write the pictures of one run with their receipt, and the grid where there is one.

    Every picture carries its infotext and its own receipt; the JSON beside them is the receipt of the run.

    Raises:
        OutputError: the files cannot be written; then none is.
    """
    stem = f"{_next_number(folder):04d}-{slug(receipt.request.prompt)}"
    written = WrittenFiles(
        pictures=tuple(folder / f"{stem}-{image.seed}.png" for image in receipt.images),
        receipt=folder / f"{stem}.json",
        grid=None if grid is None else folder / f"{stem}-grid.png",
    )
    files: dict[Path, bytes] = {}
    for index, (place, image) in enumerate(zip(written.pictures, images, strict=True)):
        png.attach(image, png.text_chunks(receipt, index))
        files[place] = png.encode(image)
    if grid is not None and written.grid is not None:
        files[written.grid] = png.encode(grid)
    files[written.receipt] = f"{receipt.to_json(indent=2)}\n".encode()
    write_whole(files)
    return written


def slug(text: str) -> str:
    """A short name for files: the letters and digits of a text in lower case, joined by hyphens."""
    words = re.findall(r"\w+", text.lower())
    return "-".join(words)[:_LONGEST_NAME].rstrip("-_") or "picture"


def _next_number(folder: Path) -> int:
    """One more than the largest number that a file of an earlier run begins with."""
    numbers = (re.match(r"(\d{4,9})-", file.name) for file in folder.glob("*-*")) if folder.is_dir() else ()
    return 1 + max((int(match[1]) for match in numbers if match), default=0)
