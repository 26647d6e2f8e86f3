"""The judge of the embedded model: its CLIP and the measures, each for the concepts it detects best."""

from pathlib import Path
from typing import Final

from negspace.judge.base import Judge, JudgeOpener, Panel, refuse_text
from negspace.judge.calibration import Calibration
from negspace.judge.judges.quality import Quality
from negspace.judge.judges.zero_shot import ZeroShot
from negspace.judge.scoring import ScoringOpener

CALIBRATIONS: Final = Path(__file__).parents[1] / "shipped"
"""The calibrations of the embedded judge, one a judge, made by `python -m training.judge`."""

_CLIP: Final = Path(__file__).parents[2] / "embedded" / "clip"


def embedded_judge() -> Panel:
    """The embedded CLIP and the measures with the calibrations that ship with them.

    Raises:
        JudgeError: the calibrations were made for other weights.
    """
    clip, quality = (Calibration.read(CALIBRATIONS / f"{name}.json") for name in ("clip", "quality"))
    return Panel([embedded_clip(clip), Quality(quality)])


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
