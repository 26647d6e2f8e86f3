"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from negspace.errors import OutputError


def write_whole(files: Mapping[Path, bytes]) -> None:
    """Write a set of files so that none of them is ever seen half-written.

    Everything is first written beside its place and forced to the disk; only then is each file renamed into
    its place. Folders are made as needed. A failure leaves no trace of files that had not been renamed yet.

    Raises:
        OutputError: a folder cannot be made or a file cannot be written.
    """
    staged: dict[Path, Path] = {}
    place = Path()
    try:
        for place, content in files.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{place.stem[:40]}-", suffix=".part", dir=place.parent)
            staged[place] = Path(name)
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            staged[place].chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner may read
        for place, temporary in staged.items():
            temporary.replace(place)
    except OSError as error:
        raise OutputError(f"cannot write {place}: {error.strerror or error}") from None
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """See that files could be written into a folder that may not exist yet, without making anything.

    Raises:
        OutputError: something else is in the way, or the folder may not be written.
    """
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise OutputError(f"cannot write into {folder}: {nearest} is a file, not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write into {folder}: no permission for {nearest}")


def _umask() -> int:
    """The process's mask for new files. It can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
