"""Progress: how far a measurement is, with an honest estimate of the time left."""

from dataclasses import dataclass
from typing import Self, final

from negspace.lab.picture_maker import PictureMaker


@final
@dataclass(frozen=True)
class Progress:
    """How far a measurement is.

    Attributes:
        stage: what is being done, in words.
        done: pictures that are there.
        left: pictures that may still come, at most: terms that are decided early need fewer.
        seconds: time for these at the pace so far; None before the first picture.
    """

    stage: str
    done: int
    left: int
    seconds: float | None

    @classmethod
    def at(cls, stage: str, done: int, left: int, maker: PictureMaker) -> Self:
        """How far it is, at the pace of a maker."""
        pace = maker.seconds / maker.made if maker.made else None
        return cls(stage, done, left, None if pace is None else pace * left)
