"""The lab: prove whether a negative is necessary, on paired seeds and with honest statistics.

The statistics and the design of a trial do not need torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from negspace.lab import stats
from negspace.lab.arms import Ablation, Arm, Comparison, ablation
from negspace.lab.trial import Design, Forecast, Trial, TrialVerdict, forecast

if TYPE_CHECKING:
    from negspace.lab.curves import CurveMaker, Curves
    from negspace.lab.picture_maker import Progress
    from negspace.lab.proof import Proof, prove
    from negspace.lab.report import Report
    from negspace.lab.results import ProofResult, TermVerdict
    from negspace.lab.site import Site

__all__ = [
    "Ablation",
    "Arm",
    "Comparison",
    "CurveMaker",
    "Curves",
    "Design",
    "Forecast",
    "Progress",
    "Proof",
    "ProofResult",
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

# The modules of what makes pictures. They need torch, so they are imported on first use.
_MODULES = {
    **dict.fromkeys(("CurveMaker", "Curves"), "curves"),
    **dict.fromkeys(("Proof", "prove"), "proof"),
    **dict.fromkeys(("ProofResult", "TermVerdict"), "results"),
    "Progress": "picture_maker",
    "Report": "report",
    "Site": "site",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(import_module(f"negspace.lab.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'negspace.lab' has no attribute {name!r}")
