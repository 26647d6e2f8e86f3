"""Auto: a few evaluations tell how likely what is avoided is to come, and it is pushed away accordingly."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Self, final

from negspace.guidance.base import Rule, Step, setting
from negspace.guidance.branch import EMPTY, POSITIVE, Branch
from negspace.guidance.shared.sums import cap, norm, over
from negspace.guidance.shared.terms import alone_side, branches_of, joint_sides, total
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Moment, Strength

_TOWARDS, _AGAIN, _END = (0.0, 0.2, 0.4, 0.7), 0.2, 0.7
"""As shares of the steps: where p_u is measured, where p_j is measured again, where the pushes away end."""

_LONGER, _PUSH = 1.2, 6.0
"""g and k."""

_TWICE = 3
"""Joint sides up to which p_j is measured twice: more would cost more than plain guidance does."""

_COMING, _ABSENT = 0.2, 0.6
"""|p_j| / q_j up to which e_j is 1, and from which it is 0."""


Terms = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of a joint side.

    Attributes:
        terms: that it held.
        length: q_j, [batch, 1, 1, 1].
        push: p_j, [batch, channels, height, width].
        at: the step at which p_j was measured.
    """

    terms: Terms
    length: Tensor
    push: Tensor
    at: int


@dataclass(frozen=True, eq=False)
class Measurements:
    """The differences of the last evaluations.

    Attributes:
        up: p_u, [batch, channels, height, width].
        at: the step at which it was measured.
        away: by joint side.
    """

    up: Tensor
    at: int
    away: Mapping[str, Measured] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Auto(Rule[Measurements | None]):
    """d = d_c + (w - 1) (g p_u + k sum of e_j sqrt(q_j / |p_j|) p_j), p_u = d_c - d_u, p_j = d_c - d_j; in v.

    Ours. d_j is the prediction for the prompt with an avoided term appended, so p_j is the difference that
    this term alone makes. A negative without the prompt also stands for what usually comes with it (a hat
    comes with a snowman), and pushing away from it removes that, too.

    q_j = |d_n - d_u| is how much of a difference the term makes by itself, whatever the prompt. If the prompt
    alone shows it in a share P of all pictures, d_c is P of the way to d_j, and |p_j| is about (1 - P) q_j:
    the shorter p_j is, the likelier the term is to appear. The evidence e_j = (0.6 - |p_j| / q_j) / 0.4, kept
    between 0 and 1, is 1 for what is nearly sure to come. It is 0 for what would hardly come, and that is not
    pushed at all. What is coming is pushed k = 6 times the geometric mean of q_j and |p_j|: |p_j| alone is
    short just where the most is to be done, and q_j alone is too long where the prompt makes everything
    small, as night does. Several pushes are together at most as long as the longest of them could be. The
    mean of each channel is taken out of p_j as a push, so that nothing is tinted or greyed as a whole.

    All of it is measured rarely and used again in between. Kept in v it fades as the noise falls, and the
    pictures are cleaner than with a measurement at every step. p_u is measured at the first step, after 20 %,
    40 % and 70 % of the steps, and made g = 1.2 times as long, because its direction has changed since;
    without the second of these, pictures at night turn grey and dull. q_j and p_j are measured at the first
    step, p_j again after 20 %, when the large shapes stand; the pushes away end at 70 %, when the content of
    the picture has long been decided. Terms that a window brings later are measured when they come. So there
    are seven evaluations besides the positive ones for any number of steps, and for each further term three
    more. With more than three terms there are two a term, at the first step; more than eight terms share
    eight joint branches. Words that the encoder never learned are left out of d_j and have no effect.

    Attributes:
        strength: how much of it acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "auto"
    formula = "d = d_c + (w - 1)(g p_u + k sum_j e_j sqrt(q_j / |p_j|) p_j), e_j = (0.6 - |p_j| / q_j) / 0.4"
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
        new = _new(step, state)
        empty = (EMPTY,) if new or _is_up_due(step, state) else ()
        return branches_of(*empty, *map(alone_side, new), *new, *_again(step, state))

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: Measurements | None
    ) -> tuple[Tensor, Measurements | None]:
        positive = predictions[POSITIVE]
        scale = self._scale(step)
        if scale == 1.0:
            return positive, state
        kept = _measured(predictions, step, state)
        return positive + (scale - 1.0) * (_LONGER * kept.up + _away(step, kept)), kept

    def _scale(self, step: Step) -> float:
        return 1.0 + self.strength.at(step) * (self.scale - 1.0)


def _is_up_due(step: Step, state: Measurements | None) -> bool:
    """Whether p_u is measured at a step, which is so whatever is avoided."""
    return state is None or any(state.at < _place(share, step) <= step.index for share in _TOWARDS)


def _new(step: Step, state: Measurements | None) -> tuple[str, ...]:
    """The joint sides whose terms, as they are now, are not measured yet."""
    known = state.away if state else {}
    now = _avoided(step)
    return tuple(side for side in now if side not in known or known[side].terms != now[side][1])


def _again(step: Step, state: Measurements | None) -> tuple[str, ...]:
    """The joint sides whose p_j is measured again; none where they are many."""
    if len(_avoided(step)) > _TWICE:
        return ()
    known, new, place = state.away if state else {}, _new(step, state), _place(_AGAIN, step)
    return tuple(side for side in _avoided(step) if side not in new and known[side].at < place <= step.index)


def _avoided(step: Step) -> Mapping[str, tuple[float, Terms]]:
    """The weight and the terms of each joint side; none after the pushes away have ended."""
    return joint_sides(step.negatives) if step.index < _place(_END, step) else {}


def _place(share: float, step: Step) -> int:
    """The number of steps that a share of the steps is."""
    return int(share * step.count + 0.5)


def _measured(predictions: Mapping[str, Tensor], step: Step, state: Measurements | None) -> Measurements:
    positive, now = predictions[POSITIVE], _avoided(step)
    away = dict(state.away) if state else {}
    for side in _again(step, state):
        away[side] = replace(away[side], push=positive - predictions[side], at=step.index)
    for side in _new(step, state):
        length = norm(predictions[alone_side(side)] - predictions[EMPTY])
        away[side] = Measured(now[side][1], length, positive - predictions[side], step.index)
    if state is None or _is_up_due(step, state):
        return Measurements(positive - predictions[EMPTY], step.index, away)
    return replace(state, away=away)


def _away(step: Step, kept: Measurements) -> Tensor | float:
    """The sum of the pushes away at a step, before the scale."""
    weights = {side: weight for side, (weight, _) in _avoided(step).items() if side in kept.away}
    if not weights:
        return 0.0
    pushes = total(weight * _PUSH * _push(kept.away[side]) for side, weight in weights.items())
    lengths = (abs(weight) * kept.away[side].length for side, weight in weights.items())
    longest = reduce(lambda most, length: most.maximum(length), lengths)
    return cap(pushes, _PUSH * _COMING**0.5 * longest)


def _push(away: Measured) -> Tensor:
    """e_j sqrt(q_j / |p_j|) p_j, without the mean of each channel."""
    length, least = norm(away.push), _COMING * away.length
    evidence = over(_ABSENT * away.length - length, _ABSENT * away.length - least).clamp(0.0, 1.0)
    plain = away.push - away.push.mean((2, 3), keepdim=True)
    return evidence * over(away.length, length).sqrt() * plain
