"""Which picture files a command line names: files, folders, and patterns."""

from collections.abc import Iterator, Sequence
from glob import glob
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING

from negspace.errors import JudgeError, RequestError
from negspace.pixels import read_file, read_image

if TYPE_CHECKING:
    from PIL.Image import Image


def picture_files(places: Sequence[str]) -> tuple[list[Path], int]:
    """(the files, each once, and how many files in folders are left out because their names are not of
    pictures).

    A file that is named itself is always among them, whatever its name.

    Raises:
        JudgeError: a place is not there, or there are no pictures.
    """
    named = [file for place in places for file in _expanded(place)]
    kept = [file for folder, file in named if folder is None or is_picture_name(file)]
    if not kept:
        raise JudgeError(f"there are no pictures in {', '.join(places)}")
    return list(dict.fromkeys(kept)), len(named) - len(kept)


def is_picture_name(file: Path) -> bool:
    """Whether a file is called like a picture, of a format that is read or not."""
    return (guess_type(file.name)[0] or "").startswith("image/") and not file.name.startswith(".")


def open_picture(file: Path) -> "Image":
    """The picture in a file, RGB.

    Raises:
        JudgeError: it cannot be read.
    """
    try:
        return read_image(read_file(file))
    except RequestError as error:
        raise JudgeError(f"{file}: {error}") from None


def _expanded(place: str) -> Iterator[tuple[Path | None, Path]]:
    """(the folder that it was seen in, or None, and the file)."""
    path = Path(place)
    if path.is_dir():
        yield from ((path, file) for file in sorted(path.iterdir()) if file.is_file())
    elif path.exists():
        yield None, path
    else:
        matches = sorted(glob(place, recursive=True))
        if not matches:
            raise JudgeError(f"No such file, folder or match: {place}")
        yield from ((None, Path(match)) for match in matches if Path(match).is_file())
