"""Concept removal guidance: the push that removes the evidence for what is avoided, and no more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    to_eps,
)
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Strength


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evidence of earlier steps.

    Attributes:
        ratios: by side, the log likelihood ratio for its presence, [batch, 1, 1, 1].
    """

    ratios: Mapping[str, Tensor] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Crg(FromEmpty[Evidence]):
    """d = b - k sum_j w_j o_j (d_nj - d_u), Choi et al., arXiv 2606.29801; in x0.

    b = d_u + w (d_c - d_u), in the paper with w = 1, and o_j = max(0, E_j - t) / (K |d_nj - d_u|^2), the push
    that reduces the evidence of this step for an avoided term exactly to t. That evidence is
    E = K/2 h + sum over earlier steps of r h, with h = |d_c - d_u|^2 - |d_c - d_n|^2, all norms those of eps,
    and r = beta/(2 alpha (1 - abar)), the weight of a step in the log likelihood ratio. One evaluation for
    the prompt, one for each avoided term, one for the empty prompt. The absence of a term is known only after
    its evaluation, so none is saved.

    Attributes:
        strength: how much of it acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "crg"
    formula = (
        "d = b - k sum_j w_j o_j (d_nj - d_u), b = d_u + w (d_c - d_u), "
        "o_j = max(0, E_j - t)/(K |d_nj - d_u|^2), "
        "E = K/2 h + sum of earlier r h, h = |d_c - d_u|^2 - |d_c - d_n|^2"
    )
    paper = "Choi et al., Concept Removal Guidance, arXiv 2606.29801"
    space = "x0"

    scale: float = setting(7.5, "w", low=0)
    negative: float = setting(2.0, "k; 1 reduces the evidence of this step exactly to t", low=0)
    now: float = setting(1.0, "K, the weight of this step relative to earlier ones", low=1e-6)
    threshold: float = setting(0.0, "t, evidence that is tolerated")
    strength: Strength = Constant()

    def init(self) -> Evidence:
        return Evidence()

    def branches(self, step: Step, state: Evidence) -> tuple[Branch, ...]:
        away = self._away(step)
        return branches_of(*([EMPTY] if away or self.scale_at(step) != 1.0 else []), *away)

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: Evidence
    ) -> tuple[Tensor, Evidence]:
        guided = plainly_guided(predictions, self.scale_at(step))
        ratios, unit = dict(state.ratios), to_eps(step) ** 2
        for side, push in evaluated_weights(predictions, self._away(step)).items():
            off = predictions[side] - predictions[EMPTY]
            # h, without the difference of two large numbers
            nearer = unit * dot(off, 2 * predictions[POSITIVE] - predictions[EMPTY] - predictions[side])
            evidence = self.now / 2 * nearer + ratios.get(side, 0.0)
            needed = over((evidence - self.threshold).relu(), self.now * unit * dot(off, off))
            guided = guided - push * needed * off
            ratios[side] = ratios.get(side, 0.0) + _weight(step) * nearer
        return guided, Evidence(ratios)

    def _away(self, step: Step) -> dict[str, float]:
        push = self.strength.at(step) * self.negative
        return {side: push * weight for side, weight in negative_weights(step).items()} if push else {}


def _weight(step: Step) -> float:
    """The factor that turns |eps - eps'|^2 of this step's predictions into a log likelihood ratio.

    beta/(2 alpha (1 - abar)) for alpha = (a/a')^2 and beta = s^2 - alpha s'^2; 0 in pure noise, which holds
    no evidence.
    """
    following_a, following_s = step.following
    alpha = (step.a / following_a) ** 2
    if alpha == 0:
        return 0.0
    return max(step.s**2 - alpha * following_s**2, 0.0) / (2 * alpha * step.s**2)
