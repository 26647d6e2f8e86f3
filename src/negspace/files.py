"""Writing files so that they are complete or absent."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from negspace.errors import OutputError


def write_whole(files: Mapping[Path, bytes]) -> None:
    """Writes a set of files so that no reader ever sees an incomplete one.

    Every file is first written under a temporary name in its folder and forced to the disk; only then are
    they renamed. Folders are made as needed. A failure leaves no temporary files.

    Raises:
        OutputError: a folder cannot be made or a file cannot be written.
    """
    staged: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=".part", dir=path.parent)
            staged[path] = Path(name)
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            staged[path].chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner may read
        for path, temporary in staged.items():
            temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Checks that files can be written into a folder that may not exist yet, without making it.

    Raises:
        OutputError: a file has the name of the folder, or there is no permission to write.
    """
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise OutputError(f"cannot write into {folder}: {nearest} is a file, not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write into {folder}: no permission for {nearest}")


def _umask() -> int:
    """The umask of the process, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
