"""Auto: what is avoided is told together with what is wanted, a little while, as far as it is expected."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Self, final

import torch
from torch import Tensor

from negspace.guidance.avoiding import asking, joined, total
from negspace.guidance.base import EMPTY, POSITIVE, Branch, Rule, Step, setting
from negspace.guidance.sums import cap, norm, over
from negspace.strength import Constant, Strength

_BUDGET = 0.4
"""Evaluations beside the positive one, as a share of the steps: 1.4 a step in all."""

_REACH, _PUSH, _LEAST = 0.3, 2.4, 1.0
"""r, k and m."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What the last evaluations said.

    Attributes:
        up: d_c - d_u, [batch, channels, height, width].
        away: d_c - d_j by joint side, each of that shape.
        age: steps since the first of them.
    """

    up: Tensor
    away: Mapping[str, Tensor]
    age: int = 0


@final
@dataclass(frozen=True)
class Auto(Rule[Kept | None]):
    """d = d_c + (w - 1) p_u + cap(sum of l_j p_j / |p_j|), p_u = d_c - d_u, p_j = d_c - d_j; in v. Ours.

    d_j is told the prompt with one avoided thing appended, so that p_j is that and nothing else: a negative
    alone also says what it comes along with (a hat says snowman), and pushing away from it takes that, too.

    l_j = max(k w (r |p_u| - |p_j|), m |p_j|), with r = 0.3, k = 2.4, m = 1. Of a thing that comes with the
    prompt in a share p of all pictures, d_c is p of the way from the pictures without it to d_j: |p_j| is
    1 - p of a length that is about r |p_u|. So the shorter p_j, the surer the thing would come, and the
    further away d_c without it lies. Where the prompt alone would hardly bring it, p_j is long and is
    followed as it is. Together the pushes away are made no longer than the one towards what is wanted.

    The first step measures p_u and one p_j, every second one after it a p_j or p_u in turns, until 0.4
    evaluations a step are spent: steps 1 to 11 of 20. Between and after them the last ones are used again;
    kept in v they fade as the picture clears. More than three things share three joint sides. What the
    encoder has never learned is left out of d_j, and so does nothing.

    Attributes:
        strength: how much of it acts, and when; where it is 0 only the positive is evaluated.
    """

    name = "auto"
    formula = "d = d_c + (w - 1) p_u + cap(sum_j l_j p_j / |p_j|), l_j = max(k w (r |p_u| - |p_j|), m |p_j|)"
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
        return asking(*self._others(step, state))

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: Kept | None
    ) -> tuple[Tensor, Kept | None]:
        positive = predictions[POSITIVE]
        scale = self._scale(step)
        if scale == 1.0:
            return positive, state
        kept = _measured(predictions, state)
        up = (scale - 1.0) * kept.up
        usual = _REACH * norm(kept.up)
        weights = {side: weight for side, (weight, _) in joined(step.negatives).items()}
        pushes = (
            weights[side] * _further(p, scale, usual) for side, p in kept.away.items() if side in weights
        )
        away = self.strength.at(step) * total(pushes)
        return positive + up + (cap(away, norm(up)) if isinstance(away, Tensor) else 0.0), kept

    def _others(self, step: Step, state: Kept | None) -> tuple[str, ...]:
        if self._scale(step) == 1.0:
            return ()
        joints = tuple(joined(step.negatives))
        if state is None:
            return EMPTY, *joints[:1]
        turn, between = divmod(state.age, 2)
        if between or turn + 2 >= ceil(_BUDGET * step.count):
            return ()
        if turn % 2:
            return (EMPTY,)
        return (joints[(1 + turn // 2) % len(joints)],) if joints else ()

    def _scale(self, step: Step) -> float:
        return 1.0 + self.strength.at(step) * (self.scale - 1.0)


def _measured(predictions: Mapping[str, Tensor], state: Kept | None) -> Kept:
    positive = predictions[POSITIVE]
    away = {side: positive - told for side, told in predictions.items() if side not in (POSITIVE, EMPTY)}
    if state is None:
        return Kept(positive - predictions[EMPTY], away)
    up = positive - predictions[EMPTY] if EMPTY in predictions else state.up
    return Kept(up, {**state.away, **away}, state.age + 1)


def _further(p: Tensor, scale: float, usual: Tensor) -> Tensor:
    """p made as long as it is to be: l_j."""
    length = norm(p)
    return over(torch.maximum(_PUSH * scale * (usual - length), _LEAST * length), length) * p
