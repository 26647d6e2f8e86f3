"""Lines: values kept in a file, one JSON a line, that is only ever added to and survives a kill."""

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
    """The values in a file. One program at a time has it open.

    Args:
        place: the file; it and its folder are made where they are not there.
        kind: what every line is.

    Attributes:
        values: that were there when it was opened.

    Raises:
        OutputError: the file cannot be written, another program has it open, or a line is damaged.
    """

    def __init__(self, place: Path, kind: type[Value]) -> None:
        self._place = place
        check_folder(place.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        self._file = _opened(place)
        try:
            self.values: Final = _read(self._file, place, kind)
        except OutputError:
            self._file.close()
            raise

    def close(self) -> None:
        """Let others open it."""
        self._file.close()

    def add(self, values: Sequence[Value]) -> None:
        """Write values behind the others and force them to the disk.

        Raises:
            OutputError: they cannot be written.
        """
        try:
            self._file.write("".join(f"{value.to_json()}\n" for value in values))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"cannot write {self._place}: {error.strerror}") from None


def _opened(place: Path) -> IO[str]:
    try:
        lines = open(place, "a+", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {place}: {error.strerror}") from None
    try:
        fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lines.close()
        raise OutputError(
            f"{place.parent} is in use by another run; wait for it or name another folder"
        ) from None
    return lines


def _read(lines: IO[str], place: Path, kind: type[Value]) -> list[Value]:
    """Every whole line. A last one without an end was cut off by a kill, and is taken away."""
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
            raise OutputError(f"{place}: line {number} is damaged; delete it and run again") from None
    return values
