"""Contrastive classifier-free guidance: a negative acts less the further the picture is from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from negspace.guidance.base import Step, setting
from negspace.guidance.branch import EMPTY, POSITIVE, Branch
from negspace.guidance.shared.sums import dot
from negspace.guidance.shared.terms import (
    FromEmpty,
    branches_of,
    evaluated_weights,
    negative_weights,
    to_eps,
    total,
)
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Strength


@final
@dataclass(frozen=True)
class Contrastive(FromEmpty[None]):
    """d = d_u + w l+ (d_c - d_u) - k w sum_j w_j l-_j (d_nj - d_u), Chang et al., arXiv 2411.17077; in x0.

    l+ = 2 / (1 + exp(-t |d_c - d_u|^2)) lies in [1, 2), l-_j = 2 / (1 + exp(t |d_nj - d_u|^2)) in (0, 1].
    The norms are those of eps, sums over all elements, so a good t depends on the size of the latents: the
    default is that of the authors' code for 4 x 64 x 64. One evaluation for the prompt, one for each avoided
    term, one for the empty prompt.

    Attributes:
        strength: how much of it acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "contrastive"
    formula = (
        "d = d_u + w l+ (d_c - d_u) - k w sum_j w_j l-_j (d_nj - d_u), "
        "l+ = 2/(1 + exp(-t |d_c - d_u|^2)), l-_j = 2/(1 + exp(t |d_nj - d_u|^2))"
    )
    paper = "Chang et al., Contrastive CFG, arXiv 2411.17077"
    space = "x0"

    scale: float = setting(7.5, "w", low=0)
    negative: float = setting(1.0, "k, the share of w with which everything avoided acts", low=0)
    tau: float = setting(0.2, "t of the negatives; with 0 they keep their full strength", low=0)
    tau_positive: float = setting(0.2, "t of the positive; 0 is plain guidance", low=0)
    strength: Strength = Constant()

    def init(self) -> None:
        return None

    def branches(self, step: Step, state: None) -> tuple[Branch, ...]:
        strength = self.strength.at(step)
        if strength == 0 or (self.scale == 1 and self.tau_positive == 0 and not self._away(step)):
            return branches_of()
        return branches_of(EMPTY, *self._away(step))

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: None) -> tuple[Tensor, None]:
        positive = predictions[POSITIVE]
        if EMPTY not in predictions:
            return positive, None
        strength, empty, unit = self.strength.at(step), predictions[EMPTY], to_eps(step) ** 2
        wanted = positive - empty
        towards = 1.0 + strength * (self.scale * _rising(wanted, unit * self.tau_positive) - 1.0)
        negatives = (
            (predictions[side] - empty, weight)
            for side, weight in evaluated_weights(predictions, self._away(step)).items()
        )
        away = total((weight * _rising(n, -unit * self.tau) * n for n, weight in negatives))
        return empty + towards * wanted - strength * self.scale * self.negative * away, None

    def _away(self, step: Step) -> dict[str, float]:
        return negative_weights(step) if self.scale and self.negative else {}


def _rising(difference: Tensor, tau: float) -> Tensor:
    """2 / (1 + exp(-tau |difference|^2)), [batch, 1, 1, 1]."""
    return 2.0 * (tau * dot(difference, difference)).sigmoid()
