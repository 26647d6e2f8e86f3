"""Auto: in a few steps a branch reads the prompt with an avoided term; its push depends on the picture."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self, final

from negspace.guidance.base import Rule, Step, setting
from negspace.guidance.branch import EMPTY, POSITIVE, Branch
from negspace.guidance.shared.sums import cap, norm, over
from negspace.guidance.shared.terms import branches_of, is_joint_side, joint_sides, total
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Moment, Strength

_BUDGET = 0.4
"""Evaluations besides the positive one, as a share of the steps: at most 1.4 a step for one avoided term."""

_TOWARDS, _AWAY, _END = (0.0, 0.4, 0.7), 0.05, 0.7
"""As shares of the steps: where p_u is measured, where p_j is measured, where the pushes away end."""

_LONGER, _REACH, _PUSH, _LEAST, _MOST = 1.2, 0.3, 2.8, 1.0, 0.9
"""g, r, k, m and c."""


Terms = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Measurements:
    """The differences of the last evaluations.

    Attributes:
        up: d_c - d_u, [batch, channels, height, width].
        at: the step at which it was measured.
        away: by joint side, the terms that it held, and d_c - d_j of that shape.
    """

    up: Tensor
    at: int
    away: Mapping[str, tuple[Terms, Tensor]]


@final
@dataclass(frozen=True)
class Auto(Rule[Measurements | None]):
    """d = d_c + g (w - 1) p_u + cap(sum of l_j p_j / |p_j|), p_u = d_c - d_u, p_j = d_c - d_j; in v. Ours.

    d_j is the prediction for the prompt with one avoided term appended, so p_j is the difference that this
    term alone makes. A negative without the prompt also stands for what usually comes with it (a hat comes
    with a snowman), and pushing away from it removes that, too.

    l_j = max(k w (r |p_u| - |p_j|), m |p_j|), with r = 0.3, k = 2.8, m = 1. If the prompt alone shows a term
    in a share p of all pictures, d_c is p of the way from the pictures without it to d_j: |p_j| is 1 - p of a
    length that is about r |p_u|. So the shorter p_j is, the likelier the term is to appear, and the further
    d_c is from the pictures without it. Where the prompt alone would hardly show the term, p_j is long and is
    used as it is. The sum of the pushes away is at most c = 0.9 times as long as the push towards the prompt.

    Both are measured rarely and used again in between. Kept in v they fade as the noise falls, and the
    pictures are cleaner than with a measurement at every step. p_u is measured at the first step, after 40 %
    and after 70 % of the steps, and made g = 1.2 times as long, because its direction has changed since. p_j
    is measured once, after 5 % of the steps, and used up to 70 %, when the content of the picture has long
    been decided; again where a window changes the terms in it. That is four evaluations besides the positive
    ones for any number of steps; below ten steps the later ones of p_u are left out, to stay within 0.4 a
    step. Each further term costs one evaluation; more than three terms share three. Words that the encoder
    never learned are left out of d_j and have no effect: p_u is measured at the same steps whatever is
    avoided.

    Attributes:
        strength: how much of it acts, and when; where it is 0, only the positive is evaluated.
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

    def reaches(self, moment: Moment) -> bool:
        return self.strength.at(moment) != 0

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
        now = _avoided(step)
        pushes = (
            now[side][0] * _further(p, scale, usual) for side, (_, p) in kept.away.items() if side in now
        )
        away = self.strength.at(step) * total(pushes)
        return positive + up + (0.0 if isinstance(away, int | float) else cap(away, _MOST * norm(up))), kept

    def _scale(self, step: Step) -> float:
        return 1.0 + self.strength.at(step) * (self.scale - 1.0)


def _towards(step: Step, state: Measurements | None) -> tuple[str, ...]:
    """The empty prompt, at the steps where p_u is measured."""
    times = max(1, int(_BUDGET * step.count) - 1)
    places = (_place(share, step) for share in _TOWARDS[:times])
    due = state is None or any(state.at < place <= step.index for place in places)
    return (EMPTY,) if due else ()


def _away(step: Step, state: Measurements | None) -> tuple[str, ...]:
    """The joint sides whose terms are not measured yet, from the step on at which p_j is measured."""
    if step.index < _place(_AWAY, step):
        return ()
    known = {} if state is None else {side: terms for side, (terms, _) in state.away.items()}
    return tuple(side for side, (_, terms) in _avoided(step).items() if known.get(side) != terms)


def _avoided(step: Step) -> Mapping[str, tuple[float, Terms]]:
    """The weight and the terms of each joint side; none after the pushes away have ended."""
    return joint_sides(step.negatives) if step.index < _place(_END, step) else {}


def _place(share: float, step: Step) -> int:
    """The number of steps that a share of the steps is."""
    return int(share * step.count + 0.5)


def _measured(predictions: Mapping[str, Tensor], step: Step, state: Measurements | None) -> Measurements:
    positive = predictions[POSITIVE]
    now = _avoided(step)
    away = {
        side: (now[side][1], positive - joint) for side, joint in predictions.items() if is_joint_side(side)
    }
    before = state.away if state else {}
    if state is None or EMPTY in predictions:
        return Measurements(positive - predictions[EMPTY], step.index, {**before, **away})
    return replace(state, away={**before, **away})


def _further(p: Tensor, scale: float, usual: Tensor) -> Tensor:
    """p, scaled to the length l_j."""
    length = norm(p)
    return over((_PUSH * scale * (usual - length)).maximum(_LEAST * length), length) * p
