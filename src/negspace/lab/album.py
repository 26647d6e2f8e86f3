"""Album: every picture of a measurement, kept as soon as it is made, so that none is made twice.

A picture is a PNG with its receipt, named by what it is a picture of. What was seen in it is one line of
`seen.jsonl`, written after the picture; where a line is missing, the picture is looked at again, not made
again. Both are only ever added to, so whatever moment a run is killed at, the next one goes on from there.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, final

from PIL import Image

from negspace import png
from negspace.errors import OutputError, RequestError
from negspace.files import check_folder, write_whole
from negspace.receipt import Receipt
from negspace.request import Request, Words

_PICTURES = "pictures"
_LINES = "seen.jsonl"


@final
@dataclass(frozen=True)
class Shot:
    """One picture to be made.

    Attributes:
        request: asks for one picture.
        copy: tells a picture that is made once more from the first one.
    """

    request: Request
    copy: int = 0


@final
class Look(Words):
    """What is known of one picture.

    Attributes:
        key: of its shot.
        sha256: of its RGB bytes, rows from the top.
        seen: the things that are in it, sorted.
        evaluations: network passes it took.
        tokens: of each avoided term, as many as reached the encoder.
        acted: whether what is avoided was told to the network.
    """

    key: str
    sha256: str
    seen: tuple[str, ...]
    evaluations: int
    tokens: dict[str, int]
    acted: bool


@final
class Album:
    """The pictures in a folder. One program at a time has it open.

    Args:
        folder: made where it is not there.
        fingerprint: of the model, and of whatever else decides the pixels besides the request.

    Raises:
        OutputError: the folder cannot be written, another program has it open, or a line is damaged.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder: Final = folder
        self._fingerprint = fingerprint
        check_folder(folder)
        (folder / _PICTURES).mkdir(parents=True, exist_ok=True)
        self._lines = _opened(folder / _LINES)
        try:
            self._looks = {look.key: look for look in _read(self._lines, folder / _LINES)}
        except OutputError:
            self._lines.close()
            raise

    def __enter__(self) -> "Album":
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()  # which lets go of the lock, too

    def __len__(self) -> int:
        """How many pictures were made and looked at."""
        return len(self._looks)

    def key(self, shot: Shot) -> str:
        """What names the picture of a shot: 24 hex digits of a sha256."""
        told = json.dumps(
            [self._fingerprint, shot.request.model_dump(mode="json"), shot.copy], sort_keys=True
        )
        return hashlib.sha256(told.encode()).hexdigest()[:24]

    def look(self, shot: Shot) -> Look | None:
        """What is known of the picture of a shot; None where it was not looked at."""
        return self._looks.get(self.key(shot))

    def path(self, shot: Shot) -> Path:
        """Where the picture of a shot is, or would be."""
        return self.folder / _PICTURES / f"{self.key(shot)}.png"

    def picture(self, shot: Shot) -> Image.Image | None:
        """The picture of a shot; None where it was not made."""
        place = self.path(shot)
        if not place.is_file():
            return None
        with Image.open(place) as image:
            return image.convert("RGB")

    def receipt(self, shot: Shot) -> Receipt:
        """The receipt of a picture that was made.

        Raises:
            OutputError: the file is gone or damaged.
        """
        told = png.read(self.path(shot)).receipt
        if told is None:
            raise OutputError(f"{self.path(shot)} carries no receipt")
        return told

    def keep(self, shot: Shot, image: Image.Image, receipt: Receipt) -> None:
        """Write a picture with its receipt.

        Raises:
            OutputError: it cannot be written.
        """
        png.attach(image, png.texts_of(receipt))
        write_whole({self.path(shot): png.encode(image)})

    def note(self, shots: Sequence[Shot], seen: Sequence[frozenset[str]]) -> None:
        """Write what is in pictures that were kept.

        Raises:
            OutputError: it cannot be written.
        """
        looks = [self._looked(shot, things) for shot, things in zip(shots, seen, strict=True)]
        try:
            self._lines.write("".join(f"{look.to_json()}\n" for look in looks))
            self._lines.flush()
            os.fsync(self._lines.fileno())
        except OSError as error:
            raise OutputError(f"cannot write {self.folder / _LINES}: {error.strerror}") from None
        self._looks |= {look.key: look for look in looks}

    def _looked(self, shot: Shot, things: frozenset[str]) -> Look:
        receipt = self.receipt(shot)
        return Look(
            key=self.key(shot),
            sha256=receipt.images[0].sha256,
            seen=tuple(sorted(things)),
            evaluations=sum(receipt.evaluations.values()),
            tokens={term.term: len(term.tokens) for term in receipt.terms},
            acted=receipt.negative_acted,
        )


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


def _read(lines: IO[str], place: Path) -> list[Look]:
    """Every whole line. A last one without an end was cut off by a kill, and is taken away."""
    lines.seek(0)
    text = lines.read()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        lines.truncate(len(whole.encode()))
        lines.seek(0, os.SEEK_END)
    looks: list[Look] = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            looks.append(Look.from_json(line))
        except RequestError:
            raise OutputError(f"{place}: line {number} is damaged; delete it, its picture is kept") from None
    return looks
