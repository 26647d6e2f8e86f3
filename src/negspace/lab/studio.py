"""Making the pictures that a measurement asks for: what is there is taken, what is missing is made."""

import time
from collections.abc import Iterator, Sequence
from typing import Final, final

from negspace.engine import Fixed
from negspace.generate import Model
from negspace.lab.album import Album, Look, Shot
from negspace.lab.witness import Witness

ROWS: Final = 16
"""Rows a forward. Always as many, so that a picture is the same whatever it is made beside."""

AT_ONCE: Final = 16
"""Pictures between two moments at which everything made so far is on the disk."""


@final
class Maker:
    """Makes shots with a model and looks at them.

    Args:
        model: makes them, `ROWS` rows a forward.
        witness: looks at them.
        album: keeps them.

    Attributes:
        made: pictures made by this very maker.
        seconds: time that took.
    """

    def __init__(self, model: Model, witness: Witness, album: Album) -> None:
        self._model = model.at_width(Fixed(ROWS))
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
        for start in range(0, len(unmade), AT_ONCE):
            part = unmade[start : start + AT_ONCE]
            began = time.perf_counter()
            for shot, result in zip(
                part, self._model.generate_all([shot.request for shot in part]), strict=True
            ):
                album.keep(shot, result.images[0], result.receipt)
            self._look(part)
            self.made += len(part)
            self.seconds += time.perf_counter() - began
            yield len(part)

    def looks(self, shots: Sequence[Shot]) -> list[Look]:
        """What is known of shots that were made."""
        looks = [self._album.look(shot) for shot in shots]
        assert all(look is not None for look in looks), "make() comes before looks()"
        return [look for look in looks if look is not None]

    def _look(self, shots: Sequence[Shot]) -> None:
        if not shots:
            return
        pictures = [picture for shot in shots if (picture := self._album.picture(shot)) is not None]
        self._album.note(shots, self._witness.look(pictures))
