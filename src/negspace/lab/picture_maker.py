"""Making the pictures that a measurement asks for: what is there is taken, what is missing is made."""

import time
from collections.abc import Iterator, Sequence
from typing import Final, final

import torch

from negspace import __version__
from negspace.generate import Model
from negspace.lab.picture_store import Look, PictureStore, Shot
from negspace.lab.witness import Witness
from negspace.lab.workers import ROWS, Workers

AT_ONCE: Final = 16
"""Pictures between two moments at which everything made so far is on the disk."""

LEAST: Final = 8
"""Pictures of a part at least, where several work: so many fill a forward with two rows each."""


def decides(model: Model, dtype: str | None = None) -> str:
    """Whatever decides the pixels of a picture besides its request, in words."""
    network = model.network(dtype)
    told = (network.fingerprint(), network.dtype, network.device, ROWS, torch.__version__, __version__)
    return " ".join(map(str, told))


@final
class PictureMaker:
    """Has shots made and looks at them.

    Args:
        crew: makes them.
        witness: looks at them.
        album: keeps them.

    Attributes:
        made: pictures made by this very maker.
        seconds: time that took.
    """

    def __init__(self, crew: Workers, witness: Witness, album: PictureStore) -> None:
        self._crew = crew
        self._witness = witness
        self._album = album
        self.made = 0
        self.seconds = 0.0

    def make(self, shots: Sequence[Shot]) -> Iterator[int]:
        """See to it that every shot is in the album, yielding how many more were made after each stretch."""
        album = self._album
        missing = [shot for shot in dict.fromkeys(shots) if album.look(shot) is None]
        unseen = [shot for shot in missing if album.path(shot).is_file()]
        self._look(unseen)
        unmade = [shot for shot in missing if shot not in set(unseen)]
        parts = self._parts(unmade)
        began = time.perf_counter()
        for number, made in self._crew.make([[shot.request for shot in part] for part in parts]):
            part = parts[number]
            for shot, (picture, receipt) in zip(part, made, strict=True):
                album.keep(shot, picture, receipt)
            self._look(part)
            self.made += len(part)
            self.seconds += time.perf_counter() - began
            yield len(part)
            began = time.perf_counter()

    def looks(self, shots: Sequence[Shot]) -> list[Look]:
        """What is known of shots that were made."""
        looks = [self._album.look(shot) for shot in shots]
        assert all(look is not None for look in looks), "make() comes before looks()"
        return [look for look in looks if look is not None]

    def _parts(self, shots: Sequence[Shot]) -> list[Sequence[Shot]]:
        """The shots in parts that leave no hand idle where there are enough of them."""
        hands = self._crew.count
        size = AT_ONCE if hands == 1 else min(AT_ONCE, max(LEAST, -(-len(shots) // hands)))
        return [shots[start : start + size] for start in range(0, len(shots), size)]

    def _look(self, shots: Sequence[Shot]) -> None:
        if not shots:
            return
        pictures = [picture for shot in shots if (picture := self._album.picture(shot)) is not None]
        self._album.note(shots, self._witness.look(pictures))
