"""CFG-Zero*: the negative prediction is brought to its best length before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, final

from negspace.guidance.base import Rule, Step, setting
from negspace.guidance.branch import POSITIVE, Branch
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.sums import dot, over
from negspace.guidance.shared.wrappers import PredictionChanging

if TYPE_CHECKING:
    from torch import Tensor


@final
@dataclass(frozen=True)
class CfgZero(PredictionChanging):
    """d = s d_n + w (d_c - s d_n), s = <d_c, d_n> / ||d_n||^2, Fan et al., arXiv 2503.18886; in flow.

    The optimised scale s makes d_n as near to d_c as a factor can. The inner rule is told s d_n for every
    prediction but the positive; cfg inside is the paper. The other half of the method, no movement in the
    first steps, pays for under-trained models alone (the paper takes 1 step), so it is off here unless asked
    for; those steps evaluate the positive alone.

    Attributes:
        inner: the rule that is told.
    """

    name = "cfg_zero"
    formula = "d = s d_n + w (d_c - s d_n), s = <d_c, d_n> / ||d_n||^2; 0 in the first K steps"
    paper = "Fan et al., CFG-Zero*: Improved Classifier-Free Guidance for Flow Matching, arXiv 2503.18886"
    space = "flow"

    inner: Rule[Any] = Cfg()
    share: float = setting(1.0, "of the way from d_n to s d_n; 0 is the inner rule", low=0, high=1)
    zeros: float = setting(0, "K, first steps at which nothing moves", low=0)

    def off(self) -> Self:
        return replace(self, inner=self.inner.off(), zeros=0)

    def branches(self, step: Step, state: tuple[None, Any]) -> tuple[Branch, ...]:
        asked = super().branches(step, state)
        return tuple(one for one in asked if one.name == POSITIVE) if self._still(step) else asked

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: tuple[None, Any]
    ) -> tuple[Tensor, tuple[None, Any]]:
        if self._still(step):
            positive = predictions[POSITIVE]
            return positive.new_zeros(positive.shape), state
        return super().combine(predictions, step, state)

    def changed(self, other: Tensor, positive: Tensor) -> Tensor:
        best = over(dot(positive, other), dot(other, other))
        return other * (1.0 + self.share * (best - 1.0))

    def _still(self, step: Step) -> bool:
        return step.index < self.zeros
