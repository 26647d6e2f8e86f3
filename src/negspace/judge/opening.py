"""Opening judges: a name, a folder or an address becomes a Judge."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from negspace.errors import JudgeError, no_such
from negspace.judge.base import Judge, Panel
from negspace.judge.calibration import Calibration
from negspace.judge.moderator import Moderator
from negspace.judge.oracle import Oracle
from negspace.judge.quality import Quality
from negspace.judge.scoring import ScoringJudge

NAMES: Final = ("embedded", "quality", "oracle")
CALIBRATION_FILE: Final = "negspace-judge.json"
"""The calibration that a judge's folder may bring along."""

MODERATOR_KEY: Final = "NEGSPACE_MODERATOR_KEY"
"""The environment's name for the key that a hosted moderator asks for."""

_PACKAGE: Final = Path(__file__).parents[1]
SHIPPED: Final = _PACKAGE / "judge" / "shipped"
"""The calibrations of the embedded judge, one a judge, made by `python -m training.judge`."""


def open_judge(said: str) -> Judge:
    """The judge that a text names.

    Args:
        said: "embedded", the CLIP and the measures that ship with the embedded model, calibrated on its
        world;
            "quality", measures that need no weights; "oracle", which reads the drawn world and nothing else;
            a CLIP or SigLIP folder; the http address of a hosted moderator, whose key is in the environment.
            A calibration comes behind an @: "quality@mine.json", "folder@mine.json".

    Raises:
        JudgeError: there is none.
    """
    if said.startswith(("http://", "https://")):
        return Moderator(said, key=os.environ.get(MODERATOR_KEY))
    name, _, file = said.partition("@")
    if name == "embedded" and not file:
        return embedded_judge()
    if name == "oracle" and not file:
        return Oracle.load()
    return open_scoring(name, Calibration.read(Path(file)) if file else None)


def open_judges(said: Sequence[str]) -> Judge:
    """Several judges as one; a concept goes to the first that knows it.

    Raises:
        JudgeError: one of them is not there.
    """
    judges = [open_judge(one) for one in said]
    return judges[0] if len(judges) == 1 else Panel(judges)


def open_scoring(name: str, calibration: Calibration | None) -> ScoringJudge:
    """A judge that can be calibrated: "quality", or a folder.

    Raises:
        JudgeError: there is none.
    """
    if name == "quality":
        return Quality(calibration)
    folder = _PACKAGE / "embedded" / "clip" if name == "embedded" else Path(name)
    if not folder.is_dir():
        raise JudgeError(f"{no_such('judge', name, NAMES)}, a CLIP or SigLIP folder, an http address")
    from negspace.judge.zero_shot import ZeroShot  # transformers: a second that other judges do not take

    beside = folder / CALIBRATION_FILE
    if calibration is None and beside.exists():
        calibration = Calibration.read(beside)
    return ZeroShot(folder, calibration, name="clip" if name == "embedded" else None)


def embedded_judge() -> Panel:
    """The judge of the embedded model: each concept of its world by whichever of CLIP and the measures tells
    it best, as the shipped calibrations say.

    Raises:
        JudgeError: the calibrations were made for other weights.
    """
    calibrations = {name: Calibration.read(SHIPPED / f"{name}.json") for name in ("clip", "quality")}
    return Panel(
        [
            open_scoring("embedded", calibrations["clip"]),
            open_scoring("quality", calibrations["quality"]),
        ]
    )
