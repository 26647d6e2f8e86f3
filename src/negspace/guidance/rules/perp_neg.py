"""Perp-Neg: a negative removes nothing of the prompt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from negspace.guidance.base import Step, setting
from negspace.guidance.branch import EMPTY, POSITIVE, Branch
from negspace.guidance.shared.sums import dot, over
from negspace.guidance.shared.terms import (
    FromEmpty,
    branches_of,
    evaluated_weights,
    negative_weights,
    plainly_guided,
    total,
)
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Strength


@final
@dataclass(frozen=True)
class PerpNeg(FromEmpty[None]):
    """d = d_u + w (p - k sum_j w_j (n_j - p <n_j, p>/|p|^2)), Armandpour et al., 2304.04968; any space.

    p = d_c - d_u and n_j = d_nj - d_u; only the part of n_j perpendicular to p pushes, or all of it where p
    is 0. One evaluation for the prompt, one for each avoided term, one for the empty prompt. All differences
    change by one factor between spaces, so the rule is the same in all of them.

    Attributes:
        strength: how much of it acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "perp_neg"
    formula = "d = d_u + w (p - k sum_j w_j (n_j - p <n_j, p> / |p|^2)), p = d_c - d_u, n_j = d_nj - d_u"
    paper = "Armandpour et al., Re-imagine the Negative Prompt Algorithm (Perp-Neg), arXiv 2304.04968"
    space = "any"

    scale: float = setting(7.5, "w", low=0)
    negative: float = setting(1.0, "k, the share of w with which everything avoided acts", low=0)
    strength: Strength = Constant()

    def init(self) -> None:
        return None

    def branches(self, step: Step, state: None) -> tuple[Branch, ...]:
        away = negative_weights(step) if self._push(step) else {}
        return branches_of(*([EMPTY] if away or self.scale_at(step) != 1.0 else []), *away)

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: None) -> tuple[Tensor, None]:
        guided = plainly_guided(predictions, self.scale_at(step))
        away = evaluated_weights(predictions, negative_weights(step))
        if not away:
            return guided, None
        empty = predictions[EMPTY]
        wanted = predictions[POSITIVE] - empty
        norm = dot(wanted, wanted)
        negatives = ((predictions[side] - empty, weight) for side, weight in away.items())
        perpendicular = (weight * (n - over(dot(n, wanted), norm) * wanted) for n, weight in negatives)
        return guided - self._push(step) * total(perpendicular), None

    def _push(self, step: Step) -> float:
        return self.strength.at(step) * self.scale * self.negative
