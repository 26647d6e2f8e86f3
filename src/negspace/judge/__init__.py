"""Judges look at pictures and decide which concepts are in them."""

from negspace.judge.base import Judge, JudgeOpener, Panel
from negspace.judge.calibration import Calibration, ConceptDetector, Rate
from negspace.judge.judges.embedded import embedded_judge
from negspace.judge.judges.moderator import Moderator
from negspace.judge.judges.oracle import Oracle, OracleReading
from negspace.judge.judges.quality import MEASURES, Quality
from negspace.judge.opening import open_judge, open_judges
from negspace.judge.scoring import ScoringJudge, ScoringOpener
from negspace.judge.thumbs import propose_from_thumbs
from negspace.records import JudgeVerdict

__all__ = [
    "MEASURES",
    "Calibration",
    "ConceptDetector",
    "Judge",
    "JudgeOpener",
    "Moderator",
    "Oracle",
    "Panel",
    "Quality",
    "Rate",
    "OracleReading",
    "ScoringJudge",
    "ScoringOpener",
    "JudgeVerdict",
    "embedded_judge",
    "open_judge",
    "open_judges",
    "propose_from_thumbs",
]
