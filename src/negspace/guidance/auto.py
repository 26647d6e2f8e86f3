"""Auto: what is avoided is told together with what is wanted, a little while, and as far as it is coming."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Self, final

import torch
from torch import Tensor

from negspace.guidance.base import EMPTY, JOINT, POSITIVE, Branch, Rule, Step, convert, setting
from negspace.guidance.sums import cap, dot, norm, over
from negspace.strength import Constant, Strength

_BUDGET = 0.4
"""Evaluations beside the positive one, as a share of the steps: 1.4 a step in all."""

_PUSH, _MOST = 4.0, 3.0
"""k, and the highest g."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What the last evaluations said, each [batch, channels, height, width].

    Attributes:
        up: d_c - d_u.
        away: d_c - d_j.
        seen: where `away` was measured, in x0: d_c, and d_j - d_c.
        lean: [batch, 1, 1, 1], how far the picture has moved towards what is avoided since it was first
            measured, in lengths of `away`.
        spent: evaluations so far beside the positive ones.
        age: steps since the first of them.
    """

    up: Tensor
    away: Tensor
    seen: tuple[Tensor, Tensor]
    lean: Tensor
    spent: int
    age: int = 0


@final
@dataclass(frozen=True)
class Auto(Rule[Kept | None]):
    """d = d_c + (w - 1) p_u + cap(k g p_j), p_u = d_c - d_u, p_j = d_c - d_j, k = 4; in v. Ours; no paper.

    d_j is told the prompt with everything avoided appended, so that p_j is that and nothing else: a negative
    alone also says what it comes along with (a hat says snowman), and pushing away from it takes that, too.
    The first step measures both pushes, every second one after it one of them in turn, until 0.4 evaluations
    a step are spent: steps 1, 3, 5 to 13 of 20. Between and after them the last ones are used again; kept in
    v they fade as the picture clears. Where nothing is avoided d_j is d_c and costs nothing. What the encoder
    has never learned is left out of d_j, and so does nothing.

    g is how far the picture is on its way there, each for itself: 1 at first, then more by as much as d_c has
    moved towards d_j since it was last measured, in lengths of d_j - d_c in x0, or less by as much as it has
    moved away; from 0 to 3. The push away is made no longer than the one towards what is wanted.

    Attributes:
        strength: how much of it acts, and when; where it is 0 only the positive is evaluated.
    """

    name = "auto"
    formula = "d = d_c + (w - 1) (d_c - d_u) + cap(k g (d_c - d_j)), |cap| <= (w - 1) |d_c - d_u|"
    paper = (
        "ours; the joint prompt after the exact posterior of arXiv 2410.14398, reuse after arXiv 2410.19355"
    )
    space = "v"

    scale: float = setting(7.5, "w; 1 is off", low=0)
    strength: Strength = Constant()

    def off(self) -> Self:
        return replace(self, scale=1.0)

    def init(self) -> None:
        return None

    def branches(self, step: Step, state: Kept | None) -> tuple[Branch, ...]:
        return tuple(Branch(side, side) for side in (POSITIVE, *self._others(step, state)))

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: Kept | None
    ) -> tuple[Tensor, Kept | None]:
        positive = predictions[POSITIVE]
        scale = self._scale(step)
        if scale == 1.0:
            return positive, state
        kept = self._measured(predictions, step, state)
        up = (scale - 1.0) * kept.up
        away = self.strength.at(step) * _PUSH * (1.0 + kept.lean).clamp(0.0, _MOST) * kept.away
        return positive + up + cap(away, norm(up)), kept

    def _measured(self, predictions: Mapping[str, Tensor], step: Step, state: Kept | None) -> Kept:
        positive = predictions[POSITIVE]
        if state is None:
            away = positive - predictions[JOINT]
            lean = torch.zeros_like(norm(away))
            return Kept(positive - predictions[EMPTY], away, _clean(predictions, step), lean, 2)
        state = replace(state, age=state.age + 1)
        if EMPTY in predictions:
            return replace(state, up=positive - predictions[EMPTY], spent=state.spent + 1)
        if JOINT in predictions:
            seen, toward = state.seen
            moved = over(dot(convert(positive, "v", "x0", step) - seen, toward), dot(toward, toward))
            away = positive - predictions[JOINT]
            return replace(
                state,
                away=away,
                seen=_clean(predictions, step),
                lean=state.lean + moved,
                spent=state.spent + 1,
            )
        return state

    def _others(self, step: Step, state: Kept | None) -> tuple[str, ...]:
        if self._scale(step) == 1.0:
            return ()
        if state is None:
            return EMPTY, JOINT
        if state.spent >= ceil(_BUDGET * step.count) or state.age % 2 == 0:
            return ()
        return (JOINT,) if state.spent % 2 == 0 else (EMPTY,)

    def _scale(self, step: Step) -> float:
        return 1.0 + self.strength.at(step) * (self.scale - 1.0)


def _clean(predictions: Mapping[str, Tensor], step: Step) -> tuple[Tensor, Tensor]:
    """Where the picture is going, in x0, and which way the avoided thing lies from there."""
    here, there = (convert(predictions[side], "v", "x0", step) for side in (POSITIVE, JOINT))
    return here, there - here
