"""Judges look at pixels: which concepts are there."""

from negspace.judge.base import Judge, Panel
from negspace.judge.calibration import Calibration, ConceptThreshold, Rate
from negspace.judge.moderator import Moderator
from negspace.judge.opening import embedded_judge, open_judge, open_judges
from negspace.judge.oracle import Oracle, OracleReading
from negspace.judge.quality import MEASURES, Quality
from negspace.judge.scoring import ScoringJudge
from negspace.judge.thumbs import propose_from_thumbs
from negspace.records import JudgeVerdict

__all__ = [
    "MEASURES",
    "Calibration",
    "ConceptThreshold",
    "Judge",
    "Moderator",
    "Oracle",
    "Panel",
    "Quality",
    "Rate",
    "OracleReading",
    "ScoringJudge",
    "JudgeVerdict",
    "embedded_judge",
    "open_judge",
    "open_judges",
    "propose_from_thumbs",
]
