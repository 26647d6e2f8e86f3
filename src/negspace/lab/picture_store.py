"""Every picture of a measurement is stored as soon as it is made, so that none is made twice.

A picture is a PNG with its receipt, named by the request it was made for. What was seen in it is one line of
`seen.jsonl`, written after the picture. Where a line is missing, the picture is looked at again, not made
again. Both are only ever added to, so a run that is killed at any moment can be continued.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final, final

from PIL import Image

from negspace import png
from negspace.errors import OutputError
from negspace.files import write_whole
from negspace.frozen import Frozen
from negspace.lab.json_lines import JsonLinesFile
from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from negspace.request import Request

Planning = Callable[[Request], Plan]
"""Gives the plan of a request."""


@final
@dataclass(frozen=True)
class PictureSpec:
    """Which picture is to be made.

    Attributes:
        request: for one picture.
        copy: distinguishes a picture that is made once more from the first one.
    """

    request: Request
    copy: int = 0


@final
class PictureRecord(Frozen):
    """What is known of one picture.

    Attributes:
        key: of its specification, as `PictureStore.key` gives it.
        witness: who looked at it.
        sha256: of its RGB bytes, rows from the top.
        seen: the things that are in it, sorted.
        evaluations: network evaluations that it took.
        tokens: for each avoided term, how many of its tokens reached the encoder.
        acted: whether the negative could change the picture.
    """

    key: str
    witness: str
    sha256: str
    seen: tuple[str, ...]
    evaluations: int
    tokens: dict[str, int]
    acted: bool


@final
class PictureStore(AbstractContextManager["PictureStore"]):
    """The pictures in a folder. Only one program at a time can open it.

    Args:
        folder: created if it does not exist.
        identity: of the model, and of everything else that decides the pixels besides the request.
        witness: fingerprint of who looks at the pictures; records of another witness are ignored.
        plan: gives the plan of a request, which names policies and files: what is in them decides too.

    Raises:
        OutputError: the folder cannot be written, another program has it open, or a line is damaged.
    """

    def __init__(self, folder: Path, identity: str, witness: str, plan: Planning) -> None:
        self.folder: Final = folder
        self._identity = identity
        self._contents = cache(partial(_contents, plan))
        self._witness = witness
        self._lines = JsonLinesFile(folder / "seen.jsonl", PictureRecord)
        self._records = {record.key: record for record in self._lines.values if record.witness == witness}

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let other programs open the folder."""
        self._lines.close()

    def __len__(self) -> int:
        """How many pictures were made and looked at."""
        return len(self._records)

    def key(self, spec: PictureSpec) -> str:
        """The name of a picture: 24 hex digits of a sha256."""
        request = spec.request.model_dump(mode="json")
        identity = [self._identity, request, spec.copy, *self._contents(spec)]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]

    def record(self, spec: PictureSpec) -> PictureRecord | None:
        """What is known of a picture; None if nobody has looked at it."""
        return self._records.get(self.key(spec))

    def path(self, spec: PictureSpec) -> Path:
        """Where a picture is, or would be."""
        return self.folder / "pictures" / f"{self.key(spec)}.png"

    def picture(self, spec: PictureSpec) -> Image.Image | None:
        """A picture; None if it was not made."""
        path = self.path(spec)
        if not path.is_file():
            return None
        with Image.open(path) as image:
            return image.convert("RGB")

    def pictures(self, specs: Sequence[PictureSpec]) -> list[Image.Image]:
        """The pictures that were made, in order."""
        return [picture for spec in specs if (picture := self.picture(spec)) is not None]

    def receipt(self, spec: PictureSpec) -> Receipt:
        """The receipt of a picture that was made.

        Raises:
            OutputError: the file is gone or damaged.
        """
        receipt = png.read(self.path(spec)).receipt
        if receipt is None:
            raise OutputError(f"{self.path(spec)} carries no receipt")
        return receipt

    def save(self, spec: PictureSpec, image: Image.Image, receipt: Receipt) -> None:
        """Write a picture with its receipt; an OutputError where that is impossible."""
        png.attach(image, png.text_chunks(receipt))
        write_whole({self.path(spec): png.encode(image)})

    def add_seen(self, specs: Sequence[PictureSpec], seen: Sequence[frozenset[str]]) -> None:
        """Write what is in pictures that were saved; an OutputError where that is impossible."""
        records = [self._new_record(spec, things) for spec, things in zip(specs, seen, strict=True)]
        self._lines.add(records)
        self._records |= {record.key: record for record in records}

    def _new_record(self, spec: PictureSpec, things: frozenset[str]) -> PictureRecord:
        receipt = self.receipt(spec)
        return PictureRecord(
            key=self.key(spec),
            witness=self._witness,
            sha256=receipt.images[0].sha256,
            seen=tuple(sorted(things)),
            evaluations=sum(receipt.evaluations.values()),
            tokens={term.term: len(term.tokens) for term in receipt.terms},
            acted=receipt.negative_acted,
        )


def _contents(plan: Planning, spec: PictureSpec) -> tuple[str, ...]:
    """What tells the contents of the policies, LoRA files and embeddings that a request names."""
    planned = plan(spec.request)
    policies = (record.fingerprint for record in planned.policies)
    return (*policies, *planned.lora_stamps, *(embedding.sha256 for embedding in planned.embeddings))
