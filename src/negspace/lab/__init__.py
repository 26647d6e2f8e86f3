"""The lab: prove whether a negative is necessary, on paired seeds and with honest statistics.

The statistics and the design of a trial need no torch.
"""

from negspace.lab import stats
from negspace.lab.arms import Ablation, Arm, Comparison, ablation
from negspace.lab.forecast import Forecast, forecast
from negspace.lab.trial import Design, Trial, Verdict

__all__ = [
    "Ablation",
    "Arm",
    "Comparison",
    "Design",
    "Forecast",
    "Trial",
    "Verdict",
    "ablation",
    "forecast",
    "stats",
]
