"""Semantic guidance: an avoided term acts only on the elements where its difference is largest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from negspace.guidance.base import Step, setting
from negspace.guidance.branch import EMPTY, Branch
from negspace.guidance.shared.terms import (
    FromEmpty,
    branches_of,
    evaluated_weights,
    negative_weights,
    plainly_guided,
    to_eps,
    total,
)
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Moment, Strength


@final
@dataclass(frozen=True)
class Sega(FromEmpty["Tensor | None"]):
    """d = d_u + w (d_c - d_u) + s v - k sum_j w_j [|n_j| >= q_j] n_j, Brack et al., 2301.12247; in x0.

    n_j = d_nj - d_u, and q_j is the quantile of |n_j| of each picture and channel; g is all that is added to
    plain guidance, and the momentum v, kept in eps, becomes f v + (1 - f) g after every step, also before g
    is applied. One evaluation for the prompt, one for the empty prompt, one for each avoided term; the last
    only where it acts, and before that where there is momentum. Warm-up and cooldown are shares of the steps:
    the published defaults are 10 of 50 steps, and no cooldown.

    Attributes:
        strength: how much of it acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "sega"
    formula = (
        "d = d_u + w (d_c - d_u) + g, g = s v - k sum_j w_j [|n_j| >= q_j] n_j, n_j = d_nj - d_u, "
        "v <- f v + (1 - f) g"
    )
    paper = "Brack et al., SEGA: Instructing Text-to-Image Models using Semantic Guidance, arXiv 2301.12247"
    space = "x0"

    scale: float = setting(7.5, "w", low=0)
    negative: float = setting(5.0, "k", low=0)
    threshold: float = setting(0.9, "the quantile q_j", low=0, high=1)
    momentum: float = setting(0.1, "s", low=0, high=1)
    decay: float = setting(0.4, "f, the share of the momentum that stays", low=0, high=1)
    warmup: float = setting(0.2, "share of the steps, from the first, in which it does not act", 0, 1)
    cooldown: float = setting(1.0, "share of the steps after which it no longer acts", 0, 1)
    strength: Strength = Constant()

    def reaches(self, moment: Moment) -> bool:
        return super().reaches(moment) and self.warmup <= moment.progress < self.cooldown

    def init(self) -> Tensor | None:
        return None

    def branches(self, step: Step, state: Tensor | None) -> tuple[Branch, ...]:
        away = self._away(step)
        return branches_of(*([EMPTY] if away or self.scale_at(step) != 1.0 else []), *away)

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        guided = plainly_guided(predictions, self.scale_at(step))
        away = evaluated_weights(predictions, self._away(step))
        if not away:
            return guided, state
        empty = predictions[EMPTY]
        negatives = ((predictions[side] - empty, weight) for side, weight in away.items())
        shown = total(weight * _most(n, self.threshold) for n, weight in negatives)
        before = empty.new_zeros(empty.shape) if state is None else state
        push, unit = empty.new_zeros(empty.shape) - self.negative * shown, to_eps(step)
        if unit:
            push = push + self.momentum / unit * before
        after = self.decay * before + (1 - self.decay) * unit * push
        if step.progress < self.warmup:
            return guided, after
        return guided + self.strength.at(step) * push, after

    def _away(self, step: Step) -> dict[str, float]:
        acts = step.progress >= self.warmup or self.momentum > 0
        here = acts and step.progress < self.cooldown and self.negative > 0
        return negative_weights(step) if here and self.strength.at(step) else {}


def _most(difference: Tensor, share: float) -> Tensor:
    """The difference where it is at least the quantile of its picture and channel, else 0."""
    size = difference.abs()
    bound = size.flatten(2).quantile(share, dim=2)[..., None, None]
    return difference.where(size >= bound, 0.0)
