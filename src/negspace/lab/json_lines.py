"""A file of values, one JSON object per line, that is only ever added to and survives a kill."""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final, Generic, TypeVar

from negspace.errors import OutputError, RequestError
from negspace.files import check_folder
from negspace.frozen import Frozen

Value = TypeVar("Value", bound=Frozen)


class JsonLinesFile(Generic[Value]):
    """A file of values. Only one program at a time can open it.

    Args:
        path: the file; it and its folder are created if they do not exist.
        kind: type of the value in every line.

    Attributes:
        values: those that the file held when it was opened.

    Raises:
        OutputError: the file cannot be written, another program has it open, or a line is damaged.
    """

    def __init__(self, path: Path, kind: type[Value]) -> None:
        self._path = path
        check_folder(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = _open(path)
        try:
            self.values: Final = _read(self._file, path, kind)
        except OutputError:
            self._file.close()
            raise

    def close(self) -> None:
        """Let other programs open it."""
        self._file.close()

    def add(self, values: Sequence[Value]) -> None:
        """Write values after the others and force them to the disk.

        Raises:
            OutputError: they cannot be written.
        """
        try:
            self._file.write("".join(f"{value.to_json()}\n" for value in values))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from None


def _open(path: Path) -> IO[str]:
    try:
        lines = open(path, "a+", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    try:
        fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lines.close()
        raise OutputError(
            f"{path.parent} is in use by another run; wait for it or name another folder"
        ) from None
    return lines


def _read(lines: IO[str], path: Path, kind: type[Value]) -> list[Value]:
    """Every whole line. A last line without its end was cut off by a kill, and is removed."""
    lines.seek(0)
    text = lines.read()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        lines.truncate(len(whole.encode()))
        lines.seek(0, os.SEEK_END)
    values: list[Value] = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            values.append(kind.from_json(line))
        except RequestError:
            raise OutputError(f"{path}: line {number} is damaged; delete it and run again") from None
    return values
