"""Reuse: between full steps, the push of the last full step is used again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from negspace.errors import RequestError
from negspace.guidance.base import Rule, Step, Wrapper, setting
from negspace.guidance.branch import POSITIVE, Branch
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.tensor import Tensor


@dataclass(frozen=True, eq=False)
class LastPush:
    """The push of the last full step.

    Attributes:
        push: [batch, channels, height, width], what guidance added to the positive prediction.
        used: how often it was used again.
    """

    push: Tensor
    used: int = 0


@final
@dataclass(frozen=True)
class Reuse(Wrapper[LastPush | None]):
    """d = d_c + p, p = g - d_c of the last full step, every k-th step being full; in v.

    The simple form of Lv et al., FasterCache, arXiv 2410.19355, without its gain by frequency. Full steps
    cost the evaluations of the inner rule, the others one; the state of the inner rule changes at full steps
    only. Where the inner rule is off, so is this, and the next step in which it acts is full.

    Attributes:
        inner: the rule whose push is used again.
    """

    name = "reuse"
    formula = "d = d_c + p, p = g - d_c of the last full step"
    paper = "after Lv et al., FasterCache, arXiv 2410.19355"
    space = "v"

    inner: Rule[Any] = Cfg()
    every: float = setting(2, "k, a whole number; FasterCache takes 5, 1 is the inner rule", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every != int(self.every):
            raise RequestError(f"rule reuse: every must be a whole number (given: {self.every!r:.40})")

    def begin(self) -> None:
        return None

    def branches(self, step: Step, state: tuple[LastPush | None, Any]) -> tuple[Branch, ...]:
        branches = self.inner.branches(step, state[1])
        if not self._again(state[0]):
            return branches
        return tuple(branch for branch in branches if branch.name == POSITIVE)

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: tuple[LastPush | None, Any]
    ) -> tuple[Tensor, tuple[LastPush | None, Any]]:
        kept, inner = state
        positive = predictions[POSITIVE]
        if len(self.inner.branches(step, inner)) == 1:
            guided, inner = self.combine_inner(predictions, step, inner)
            return guided, (None, inner)
        if kept is not None and self._again(kept):
            return positive + kept.push, (LastPush(kept.push, kept.used + 1), inner)
        guided, inner = self.combine_inner(predictions, step, inner)
        return guided, (LastPush(guided - positive), inner)

    def _again(self, kept: LastPush | None) -> bool:
        return kept is not None and kept.used + 1 < self.every
