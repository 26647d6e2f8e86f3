"""Judges look at pixels: which concepts are there."""

from negspace.judge.base import Judge, Panel
from negspace.judge.calibration import Calibration, Cut, Rate
from negspace.judge.moderator import Moderator
from negspace.judge.opening import embedded_judge, open_judge, open_judges
from negspace.judge.oracle import Oracle, Reading
from negspace.judge.quality import MEASURES, Quality
from negspace.judge.scoring import ScoringJudge
from negspace.judge.thumbs import thumbs
from negspace.verdict import JudgeVerdict

__all__ = [
    "MEASURES",
    "Calibration",
    "Cut",
    "Judge",
    "Moderator",
    "Oracle",
    "Panel",
    "Quality",
    "Rate",
    "Reading",
    "ScoringJudge",
    "JudgeVerdict",
    "embedded_judge",
    "open_judge",
    "open_judges",
    "thumbs",
]
