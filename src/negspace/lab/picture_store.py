"""Album: every picture of a measurement, kept as soon as it is made, so that none is made twice.

A picture is a PNG with its receipt, named by what it is a picture of. What was seen in it is one line of
`seen.jsonl`, written after the picture; where a line is missing, the picture is looked at again, not made
again. Both are only ever added to, so whatever moment a run is killed at, the next one goes on from there.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from PIL import Image

from negspace import png
from negspace.errors import OutputError
from negspace.files import write_whole
from negspace.frozen import Frozen
from negspace.lab.json_lines import JsonLinesFile
from negspace.receipt import Receipt
from negspace.request import Request

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
class Look(Frozen):
    """What is known of one picture.

    Attributes:
        key: of its shot.
        witness: who looked.
        sha256: of its RGB bytes, rows from the top.
        seen: the things that are in it, sorted.
        evaluations: network passes it took.
        tokens: of each avoided term, as many as reached the encoder.
        acted: whether what is avoided was told to the network.
    """

    key: str
    witness: str
    sha256: str
    seen: tuple[str, ...]
    evaluations: int
    tokens: dict[str, int]
    acted: bool


@final
class PictureStore:
    """The pictures in a folder. One program at a time has it open.

    Args:
        folder: made where it is not there.
        fingerprint: of the model, and of whatever else decides the pixels besides the request.
        witness: who looks at the pictures; what another one saw does not count.

    Raises:
        OutputError: the folder cannot be written, another program has it open, or a line is damaged.
    """

    def __init__(self, folder: Path, fingerprint: str, witness: str) -> None:
        self.folder: Final = folder
        self._fingerprint = fingerprint
        self._witness = witness
        self._lines = JsonLinesFile(folder / _LINES, Look)
        self._looks = {look.key: look for look in self._lines.values if look.witness == witness}

    def __enter__(self) -> "PictureStore":
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
        png.attach(image, png.text_chunks(receipt))
        write_whole({self.path(shot): png.encode(image)})

    def note(self, shots: Sequence[Shot], seen: Sequence[frozenset[str]]) -> None:
        """Write what is in pictures that were kept.

        Raises:
            OutputError: it cannot be written.
        """
        looks = [self._looked(shot, things) for shot, things in zip(shots, seen, strict=True)]
        self._lines.add(looks)
        self._looks |= {look.key: look for look in looks}

    def _looked(self, shot: Shot, things: frozenset[str]) -> Look:
        receipt = self.receipt(shot)
        return Look(
            key=self.key(shot),
            witness=self._witness,
            sha256=receipt.images[0].sha256,
            seen=tuple(sorted(things)),
            evaluations=sum(receipt.evaluations.values()),
            tokens={term.term: len(term.tokens) for term in receipt.terms},
            acted=receipt.negative_acted,
        )
