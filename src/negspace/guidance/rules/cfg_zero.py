"""CFG-Zero*: the negative prediction is scaled to come nearest to the positive one before it is used."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, final

from negspace.guidance.base import Rule, Step, setting
from negspace.guidance.branch import POSITIVE, Branch
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.sums import dot, over
from negspace.guidance.shared.wrappers import Correcting
from negspace.guidance.tensor import Tensor


@final
@dataclass(frozen=True)
class CfgZero(Correcting):
    """d = s d_n + w (d_c - s d_n), s = <d_c, d_n> / ||d_n||^2, Fan et al., arXiv 2503.18886; in flow.

    The factor s brings d_n as near to d_c as a factor can. The inner rule gets s d_n for every prediction but
    the positive; with cfg inside, this is the paper's method. The other half of the method, no movement in
    the first steps, helps only under-trained models (the paper takes 1 step), so it is off by default; those
    steps evaluate the positive alone.

    Attributes:
        inner: the rule that gets these predictions.
    """

    name = "cfg_zero"
    formula = "d = s d_n + w (d_c - s d_n), s = <d_c, d_n> / ||d_n||^2; 0 in the first K steps"
    paper = "Fan et al., CFG-Zero*: Improved Classifier-Free Guidance for Flow Matching, arXiv 2503.18886"
    space = "flow"

    inner: Rule[Any] = Cfg()
    share: float = setting(1.0, "share of the way from d_n to s d_n; 0 is the inner rule", low=0, high=1)
    zeros: float = setting(0, "K, number of first steps without movement", low=0)

    def off(self) -> Self:
        return replace(self, inner=self.inner.off(), zeros=0)

    def branches(self, step: Step, state: tuple[None, Any]) -> tuple[Branch, ...]:
        branches = super().branches(step, state)
        if not self._still(step):
            return branches
        return tuple(branch for branch in branches if branch.name == POSITIVE)

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: tuple[None, Any]
    ) -> tuple[Tensor, tuple[None, Any]]:
        if self._still(step):
            positive = predictions[POSITIVE]
            return positive.new_zeros(positive.shape), state
        return super().combine(predictions, step, state)

    def corrected(self, other: Tensor, positive: Tensor) -> Tensor:
        best = over(dot(positive, other), dot(other, other))
        return other * (1.0 + self.share * (best - 1.0))

    def _still(self, step: Step) -> bool:
        return step.index < self.zeros
