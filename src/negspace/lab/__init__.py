"""The lab: prove whether a negative is necessary, on paired seeds and with honest statistics.

The statistics and the design of a trial need no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from negspace.lab import stats
from negspace.lab.arms import Ablation, Arm, Comparison, ablation
from negspace.lab.forecast import Forecast, forecast
from negspace.lab.trial import Design, Trial, TrialVerdict

if TYPE_CHECKING:
    from negspace.lab.curves import Curves, CurveMaker
    from negspace.lab.picture_maker import Progress
    from negspace.lab.proof import Proof, prove
    from negspace.lab.report import Report
    from negspace.lab.results import ProofResult, TermVerdict
    from negspace.lab.site import Site

__all__ = [
    "Ablation",
    "Arm",
    "Comparison",
    "Curves",
    "Design",
    "CurveMaker",
    "ProofResult",
    "Forecast",
    "Progress",
    "Proof",
    "Report",
    "Site",
    "TermVerdict",
    "Trial",
    "TrialVerdict",
    "ablation",
    "forecast",
    "prove",
    "stats",
]

# What makes pictures needs torch, which is loaded on first use.
_HOMES = {
    "Curves": "curves",
    "Drawing": "curves",
    "Findings": "verdicts",
    "Progress": "progress",
    "Proof": "proof",
    "Report": "report",
    "Site": "workers",
    "TermVerdict": "verdicts",
    "prove": "proof",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"negspace.lab.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'negspace.lab' has no attribute {name!r}")
