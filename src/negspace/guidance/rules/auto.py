"""Auto: what is avoided is told together with what is wanted, a little while, as far as it is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self, final

from negspace.guidance.base import Rule, Step, setting
from negspace.guidance.branch import EMPTY, POSITIVE, Branch
from negspace.guidance.shared.sums import cap, norm, over
from negspace.guidance.shared.terms import branches_of, is_joint_side, joint_sides, total
from negspace.strength import Constant, Strength

if TYPE_CHECKING:
    from torch import Tensor


_BUDGET = 0.4
"""Evaluations beside the positive one, as a share of the steps: at most 1.4 a step for one avoided thing."""

_TOWARDS, _AWAY, _END = (0.0, 0.4, 0.7), 0.05, 0.7
"""Where, as shares of the steps, p_u is measured, p_j is, and the pushes away end."""

_LONGER, _REACH, _PUSH, _LEAST, _MOST = 1.2, 0.3, 2.8, 1.0, 0.9
"""g, r, k, m and c."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """What the last evaluations said.

    Attributes:
        up: d_c - d_u, [batch, channels, height, width].
        at: the step at which that was measured.
        away: d_c - d_j by joint side, each of that shape.
    """

    up: Tensor
    at: int
    away: Mapping[str, Tensor]


@final
@dataclass(frozen=True)
class Auto(Rule[Measurements | None]):
    """d = d_c + g (w - 1) p_u + cap(sum of l_j p_j / |p_j|), p_u = d_c - d_u, p_j = d_c - d_j; in v. Ours.

    d_j is told the prompt with one avoided thing appended, so that p_j is that and nothing else: a negative
    alone also says what it comes along with (a hat says snowman), and pushing away from it takes that, too.

    l_j = max(k w (r |p_u| - |p_j|), m |p_j|), with r = 0.3, k = 2.8, m = 1. Of a thing that comes with the
    prompt in a share p of all pictures, d_c is p of the way from the pictures without it to d_j: |p_j| is
    1 - p of a length that is about r |p_u|. So the shorter p_j, the surer the thing would come, and the
    further away d_c without it lies. Where the prompt alone would hardly bring it, p_j is long and is
    followed as it is. Together the pushes away are made no longer than c = 0.9 times the one towards what is
    wanted.

    Both are measured seldom and used again in between; kept in v they fade as the picture clears, and make
    it cleaner than measuring at every step does. p_u is measured at the first step, after 40 % and after
    70 % of the steps, and made g = 1.2 times as long for having turned away since; p_j once, after 5 %, and
    is followed up to 70 %, when what is in the picture has long been decided. That is four evaluations
    beside the positive ones, however many steps there are; below ten steps the later ones of p_u are left
    out, so that they stay within 0.4 a step. Further things cost one each, more than three share three.
    What the encoder has never learned is left out of d_j, and so does nothing: p_u is measured at the same
    steps whatever is avoided.

    Attributes:
        strength: how much of it acts, and when; where it is 0 only the positive is evaluated.
    """

    name = "auto"
    formula = "d = d_c + g(w - 1) p_u + cap(sum_j l_j p_j / |p_j|), l_j = max(k w (r |p_u| - |p_j|), m |p_j|)"
    paper = (
        "ours; the joint prompt after the exact posterior of arXiv 2410.14398, reuse after arXiv 2410.19355"
    )
    space = "v"
    delivery = "joint"

    scale: float = setting(7.5, "w; 1 is off", low=0)
    strength: Strength = Constant()

    def off(self) -> Self:
        return replace(self, scale=1.0)

    def init(self) -> None:
        return None

    def branches(self, step: Step, state: Measurements | None) -> tuple[Branch, ...]:
        if self._scale(step) == 1.0:
            return branches_of()
        return branches_of(*_towards(step, state), *_away(step, state))

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: Measurements | None
    ) -> tuple[Tensor, Measurements | None]:
        positive = predictions[POSITIVE]
        scale = self._scale(step)
        if scale == 1.0:
            return positive, state
        kept = _measured(predictions, step, state)
        up = _LONGER * (scale - 1.0) * kept.up
        usual = _REACH * norm(kept.up)
        weights = _avoided(step)
        pushes = (
            weights[side] * _further(p, scale, usual) for side, p in kept.away.items() if side in weights
        )
        away = self.strength.at(step) * total(pushes)
        return positive + up + (0.0 if isinstance(away, int | float) else cap(away, _MOST * norm(up))), kept

    def _scale(self, step: Step) -> float:
        return 1.0 + self.strength.at(step) * (self.scale - 1.0)


def _towards(step: Step, state: Measurements | None) -> tuple[str, ...]:
    """The empty prompt, where it is its turn."""
    times = max(1, int(_BUDGET * step.count) - 1)
    places = (_place(share, step) for share in _TOWARDS[:times])
    due = state is None or any(state.at < place <= step.index for place in places)
    return (EMPTY,) if due else ()


def _away(step: Step, state: Measurements | None) -> tuple[str, ...]:
    """The joint sides that were not measured yet, once it is their turn."""
    if step.index < _place(_AWAY, step):
        return ()
    return tuple(side for side in _avoided(step) if state is None or side not in state.away)


def _avoided(step: Step) -> Mapping[str, float]:
    """The weight of each joint side; of none when it is over."""
    if step.index >= _place(_END, step):
        return {}
    return {side: weight for side, (weight, _) in joint_sides(step.negatives).items()}


def _place(share: float, step: Step) -> int:
    """The step before which that share of them lies."""
    return int(share * step.count + 0.5)


def _measured(predictions: Mapping[str, Tensor], step: Step, state: Measurements | None) -> Measurements:
    positive = predictions[POSITIVE]
    away = {side: positive - told for side, told in predictions.items() if is_joint_side(side)}
    before = state.away if state else {}
    if state is None or EMPTY in predictions:
        return Measurements(positive - predictions[EMPTY], step.index, {**before, **away})
    return replace(state, away={**before, **away})


def _further(p: Tensor, scale: float, usual: Tensor) -> Tensor:
    """p made as long as it is to be: l_j."""
    length = norm(p)
    return over((_PUSH * scale * (usual - length)).maximum(_LEAST * length), length) * p
