"""Dynamic negative guidance: a negative acts with the odds that what is avoided is there."""

from collections.abc import Mapping

from torch import Tensor

from negspace.guidance.avoiding import asking, plain
from negspace.guidance.base import EMPTY, Branch


def asking_for(scale: float, away: Mapping[str, object]) -> tuple[Branch, ...]:
    """The branches of a rule that pushes a plainly guided prediction away from these sides."""
    return asking(*([] if scale == 1.0 else [EMPTY]), *away)


def pushed(predictions: Mapping[str, Tensor], scale: float, odds: Mapping[str, Tensor | float]) -> Tensor:
    """b - sum_j l_j (d_nj - b) with b = d_u + w (d_c - d_u)."""
    guided = base = plain(predictions, scale)
    for side, push in odds.items():
        guided = guided - push * (predictions[side] - base)
    return guided
