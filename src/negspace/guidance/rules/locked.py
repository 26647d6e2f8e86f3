"""Locked: what is locked has branches of its own, and what else is avoided cannot weaken it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, Step, Wrapper, setting
from negspace.guidance.branch import LOCKED, OTHERS, POSITIVE, Branch
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.groups import NOTHING, branch_of_group, groups_at, step_of_group
from negspace.guidance.shared.sums import cap, dot, norm, over
from negspace.guidance.tensor import Tensor

_States = tuple[None, Mapping[str, Any]]


@final
@dataclass(frozen=True)
class Locked(Wrapper[None]):
    """d = g_L + cap(u without its parts along b and -l), u = g_O - g_0, l = g_L - g_0, b = g_0 - d_c. Ours.

    g_L is what the inner rule makes of the locked terms alone, g_O of the other avoided terms alone, g_0 of
    nothing avoided. So the push l of the locked terms does not depend on what else is avoided. The push u of
    the others loses what points against l, and what points to the prompt, with which the locked thing may
    come; and it is at most m times as long as l.

    Where nothing is locked, or nothing else is avoided, it is the inner rule. Else each branch that the three
    share is evaluated once: around `cfg` these are two evaluations more, around `auto` one for each joint
    side of the locked terms.

    Attributes:
        inner: the rule that is asked for each of the three.
    """

    name = "locked"
    formula = "d = g_L + cap(u without its parts along b and -l), u = g_O - g_0, l = g_L - g_0, b = g_0 - d_c"
    paper = "ours; the projection after Perp-Neg, arXiv 2304.04968"
    space = "any"

    inner: Rule[Any] = Cfg()
    most: float = setting(
        0.25, "m, the longest push of other terms, in lengths of that of locked ones", low=0
    )

    def begin(self) -> None:
        return None

    def init(self) -> _States:
        return None, {}

    def branches(self, step: Step, state: _States) -> tuple[Branch, ...]:
        by_group = self._branches(step, state)
        return tuple(dict.fromkeys(branch for named in by_group.values() for branch in named.values()))

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: _States
    ) -> tuple[Tensor, _States]:
        guided: dict[str, Tensor] = {}
        states = dict(state[1])
        for group, named in self._branches(step, state).items():
            own = {name: predictions[branch.name] for name, branch in named.items()}
            at = step_of_group(step, group)
            guided[group], states[group] = self.combine_inner(own, at, self._state(group, state))
        if len(guided) == 1:
            (only,) = guided.values()
            return only, (None, states)
        nothing = guided[NOTHING]
        locked, others = guided[LOCKED] - nothing, guided[OTHERS] - nothing
        others = _without(others, nothing - predictions[POSITIVE])
        others = _without(others, -locked)
        return guided[LOCKED] + cap(others, self.most * norm(locked)), (None, states)

    def _state(self, group: str, state: _States) -> Any:
        return state[1][group] if group in state[1] else self.inner.init()

    def _branches(self, step: Step, state: _States) -> dict[str, dict[str, Branch]]:
        """The branches of the inner rule for each group, by the names that it gave them."""
        groups = groups_at(step)
        return {
            group: {
                branch.name: branch_of_group(branch, group, len(groups) == 1)
                for branch in self.inner.branches(step_of_group(step, group), self._state(group, state))
            }
            for group in groups
        }


def _without(push: Tensor, direction: Tensor) -> Tensor:
    """A push without its part that points in a direction; one that points away from it stays as it is."""
    return push - over(dot(push, direction).clamp(min=0.0), dot(direction, direction)) * direction
