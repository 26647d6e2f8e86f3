"""Pictures by content: a file is named by the sha256 of its bytes, so none changes, none is doubled."""

import hashlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import final

from negspace.errors import OutputError
from negspace.files import write_whole

_NAME = re.compile(r"[0-9a-f]{64}\.png")


@final
class Pictures:
    """A folder of PNG files.

    Args:
        folder: made as needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep a file, forced to the disk; its sha256.

        Raises:
            OutputError: it cannot be written.
        """
        name = hashlib.sha256(content).hexdigest()
        if not self._place(name).exists():
            write_whole({self._place(name): content})
        return name

    def get(self, sha256: str) -> bytes:
        """The bytes of a file.

        Raises:
            OutputError: it is not there, or is not what it was.
        """
        try:
            content = self._place(sha256).read_bytes()
        except OSError as error:
            raise OutputError(f"picture {sha256} cannot be read: {error.strerror}") from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise OutputError(f"picture {sha256} is damaged on the disk")
        return content

    def drop(self, sha256: str) -> None:
        """Delete a file; one that is not there does not matter."""
        self._place(sha256).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """The sha256 of every file."""
        return (file.stem for file in self._folder.glob("??/*.png") if _NAME.fullmatch(file.name))

    def sweep(self, keep: Collection[str]) -> int:
        """Delete every file that is not to be kept, those half-written among them; how many that were.

        Only while nothing else writes.
        """
        dropped = [name for name in self.names() if name not in keep]
        for name in dropped:
            self.drop(name)
        for part in self._folder.glob("??/.*.part"):
            part.unlink(missing_ok=True)
        return len(dropped)

    def _place(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.png"
