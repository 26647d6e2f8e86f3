"""Traced: whatever a rule does, the predictions that tell its effective strength are evaluated as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from negspace.guidance.base import Rule, Step, Wrapper
from negspace.guidance.branch import EMPTY, NEGATIVE, POSITIVE, Branch
from negspace.guidance.rules.cfg import Cfg

if TYPE_CHECKING:
    from torch import Tensor


_State = tuple[None, Any]
_PLAIN = "plain"


@final
@dataclass(frozen=True)
class Traced(Wrapper[None]):
    """d = g; with d_c, d_u and d_n as they are at every step where g is not d_c, for GA-Eval, 2602.22570.

    A receipt then has omega_pos, omega_neg and residual of every such step. The picture is the inner rule's;
    the evaluations that it does not ask for come on top.

    Attributes:
        inner: the rule that is traced; nothing should be around this one.
    """

    name = "traced"
    formula = "d = g"
    paper = "after GA-Eval, ICLR 2026, arXiv 2602.22570"
    space = "any"

    inner: Rule[Any] = Cfg()

    def begin(self) -> None:
        return None

    def branches(self, step: Step, state: _State) -> tuple[Branch, ...]:
        asked = super().branches(step, state)
        if len(asked) == 1 and asked[0].patch is None:
            return asked
        sides = {one.side for one in asked if one.patch is None}
        more = [Branch(_PLAIN, POSITIVE)] if POSITIVE not in sides else []
        more += [Branch(EMPTY, EMPTY)] if EMPTY not in sides else []
        avoided = any(side.startswith(NEGATIVE) for side in sides)
        more += [Branch(NEGATIVE, NEGATIVE)] if any(step.negatives.values()) and not avoided else []
        return (*asked, *more)

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: _State) -> tuple[Tensor, _State]:
        own = {one.name for one in self.inner.branches(step, state[1])}
        told = {name: prediction for name, prediction in predictions.items() if name in own}
        guided, inner = self.combine_inner(told, step, state[1])
        return guided, (None, inner)
