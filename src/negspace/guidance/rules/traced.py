"""Traced: the predictions from which the effective strength of a rule is computed are evaluated, too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, Step
from negspace.guidance.branch import EMPTY, NEGATIVE, POSITIVE, Branch
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.wrappers import Stateless
from negspace.guidance.tensor import Tensor

_State = tuple[None, Any]
_PLAIN = "plain"


@final
@dataclass(frozen=True)
class Traced(Stateless):
    """d = g; d_c, d_u and d_n are evaluated unchanged at every step where g is not d_c; GA-Eval, 2602.22570.

    A receipt then has omega_pos, omega_neg and residual for every such step. The picture is that of the inner
    rule; the evaluations that the inner rule does not need are added.

    Attributes:
        inner: the rule that is traced; traced should be the outermost rule.
    """

    name = "traced"
    formula = "d = g"
    paper = "after GA-Eval, ICLR 2026, arXiv 2602.22570"
    space = "any"

    inner: Rule[Any] = Cfg()

    def branches(self, step: Step, state: _State) -> tuple[Branch, ...]:
        branches = super().branches(step, state)
        if len(branches) == 1 and branches[0].patch is None:
            return branches
        sides = {branch.side for branch in branches if branch.patch is None}
        more = [Branch(_PLAIN, POSITIVE)] if POSITIVE not in sides else []
        more += [Branch(EMPTY, EMPTY)] if EMPTY not in sides else []
        avoided = any(side.startswith(NEGATIVE) for side in sides)
        more += [Branch(NEGATIVE, NEGATIVE)] if any(step.negatives.values()) and not avoided else []
        return (*branches, *more)

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: _State) -> tuple[Tensor, _State]:
        own = {branch.name for branch in self.inner.branches(step, state[1])}
        needed = {name: prediction for name, prediction in predictions.items() if name in own}
        return super().combine(needed, step, state)
