"""The judge of the embedded model: its CLIP and the measures, each for the concepts it detects best."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, final

from negspace.judge.base import Judge, JudgeOpener, Panel, Picture, refuse_text
from negspace.judge.calibration import Calibration
from negspace.judge.judges.quality import Quality
from negspace.judge.judges.zero_shot import ZeroShot
from negspace.judge.scoring import ScoringOpener
from negspace.records import JudgeVerdict

CALIBRATIONS: Final = Path(__file__).parents[1] / "shipped"
"""The calibrations of the embedded judge, one a judge, made by `python -m training.judge`."""

_SIDE: Final = 64
"""Of the pictures that the calibrations were made from, in pixels."""

_CLIP: Final = Path(__file__).parents[2] / "embedded" / "clip"


@final
class _Reducing(Judge):
    """Shows a judge pictures reduced by a whole number, so that their shorter side is near that of the
    calibrations: measures of pixels mean nothing at another size."""

    def __init__(self, judge: Judge) -> None:
        self.name = judge.name
        self._judge = judge

    def knows(self, concept: str) -> bool:
        return self._judge.knows(concept)

    def concepts(self) -> tuple[str, ...]:
        return self._judge.concepts()

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        reduced = [picture.reduce(max(1, min(picture.size) // _SIDE)) for picture in pictures]
        return self._judge.look(reduced, concepts)

    def fingerprint(self) -> str:
        return f"{self._judge.fingerprint()} {_SIDE}"


def embedded_judge() -> Judge:
    """The embedded CLIP and the measures with the calibrations that ship with them.

    Raises:
        JudgeError: the calibrations were made for other weights.
    """
    clip, quality = (Calibration.read(CALIBRATIONS / f"{name}.json") for name in ("clip", "quality"))
    return _Reducing(Panel([embedded_clip(clip), Quality(quality)]))


def embedded_clip(calibration: Calibration | None = None) -> ZeroShot:
    """The embedded CLIP alone.

    Raises:
        JudgeError: the calibration was made for other weights.
    """
    return ZeroShot(_CLIP, calibration, name="clip")


class _Opener(ScoringOpener):
    """`embedded` is the whole judge; with a calibration, or to be calibrated, it is the CLIP alone."""

    def __call__(self, text: str) -> Judge:
        return super().__call__(text) if text else embedded_judge()

    def open(self, text: str, calibration: Calibration | None) -> ZeroShot:
        refuse_text("embedded", text)
        return embedded_clip(calibration)


OPENERS: Final[dict[str, JudgeOpener]] = {"embedded": _Opener()}
