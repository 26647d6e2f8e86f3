"""Auto: what is avoided is told together with what is wanted, a little while, as far as it is expected."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self, final

import torch
from torch import Tensor

from negspace.guidance.avoiding import asking, joined, total
from negspace.guidance.base import EMPTY, POSITIVE, Branch, Rule, Step, setting
from negspace.guidance.sums import cap, norm, over
from negspace.strength import Constant, Strength

_BUDGET = 0.4
"""Evaluations beside the positive one, as a share of the steps: 1.4 a step in all."""

_FEWEST = 3
"""Evaluations of the empty prompt, where the budget has them: with two, the last one grows too old."""

_TOWARDS, _AWAY = 0.6, 0.4
"""Shares of the steps between the first and the last of the empty prompt, and of the joint sides."""

_REACH, _PUSH, _LEAST, _MOST = 0.3, 3.0, 1.0, 1.2
"""r, k, m and c."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What the last evaluations said.

    Attributes:
        up: d_c - d_u, [batch, channels, height, width].
        away: d_c - d_j by joint side, each of that shape.
        ups, aways: evaluations of either so far.
    """

    up: Tensor
    away: Mapping[str, Tensor]
    ups: int
    aways: int


@final
@dataclass(frozen=True)
class Auto(Rule[Kept | None]):
    """d = d_c + (w - 1) p_u + cap(sum of l_j p_j / |p_j|), p_u = d_c - d_u, p_j = d_c - d_j; in v. Ours.

    d_j is told the prompt with one avoided thing appended, so that p_j is that and nothing else: a negative
    alone also says what it comes along with (a hat says snowman), and pushing away from it takes that, too.

    l_j = max(k w (r |p_u| - |p_j|), m |p_j|), with r = 0.3, k = 3, m = 1. Of a thing that comes with the
    prompt in a share p of all pictures, d_c is p of the way from the pictures without it to d_j: |p_j| is
    1 - p of a length that is about r |p_u|. So the shorter p_j, the surer the thing would come, and the
    further away d_c without it lies. Where the prompt alone would hardly bring it, p_j is long and is
    followed as it is. Together the pushes away are made no longer than c = 1.2 times the one towards what is
    wanted.

    p_u and p_j share 0.4 evaluations a step between them, p_u three at least, from the first step to 60 % of
    the way and p_j from the second one to 40 %: of 20 steps p_u at 1, 5, 9 and 13, p_j at 2, 5, 7 and 10; of
    10 p_u at 1, 4 and 7, p_j at 2. In between the last ones are used again; kept in v they fade as the
    picture clears. More than three things share three joint sides, and each side is measured once, whatever
    the budget. What the encoder has never learned is left out of d_j, and so does nothing: p_u is measured at
    the same steps whatever is avoided.

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
        if self._scale(step) == 1.0:
            return asking()
        return asking(*_towards(step, state), *_away(step, state))

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
        return positive + up + (cap(away, _MOST * norm(up)) if isinstance(away, Tensor) else 0.0), kept

    def _scale(self, step: Step) -> float:
        return 1.0 + self.strength.at(step) * (self.scale - 1.0)


def _towards(step: Step, state: Kept | None) -> tuple[str, ...]:
    """The empty prompt, where it is its turn."""
    done = state.ups if state else 0
    times, _ = _times(step)
    return (EMPTY,) if done < times and step.index >= _place(done, times, _TOWARDS * step.count) else ()


def _away(step: Step, state: Kept | None) -> tuple[str, ...]:
    """The joint side whose turn it is; one that was never measured does not wait."""
    joints = tuple(joined(step.negatives))
    done, (_, times) = state.aways if state else 0, _times(step)
    if not joints or step.index < min(1, step.count - 1):
        return ()
    due = done < times and step.index >= 1 + _place(done, times, _AWAY * step.count)
    return (joints[done % len(joints)],) if due or done < len(joints) else ()


def _place(number: int, times: int, last: float) -> int:
    """Where that evaluation of so many lies, from 0 to the last."""
    return round(number * last / max(times - 1, 1))


def _times(step: Step) -> tuple[int, int]:
    """How often the empty prompt and the joint sides are evaluated."""
    budget = max(2, int(_BUDGET * step.count))
    towards = max(min(_FEWEST, budget - 1), budget // 2)
    return towards, budget - towards


def _measured(predictions: Mapping[str, Tensor], state: Kept | None) -> Kept:
    positive = predictions[POSITIVE]
    told = {side: told for side, told in predictions.items() if side not in (POSITIVE, EMPTY)}
    away = {side: positive - answer for side, answer in told.items()}
    if state is None:
        return Kept(positive - predictions[EMPTY], away, 1, len(away))
    kept = replace(state, away={**state.away, **away}, aways=state.aways + len(away))
    if EMPTY not in predictions:
        return kept
    return replace(kept, up=positive - predictions[EMPTY], ups=state.ups + 1)


def _further(p: Tensor, scale: float, usual: Tensor) -> Tensor:
    """p made as long as it is to be: l_j."""
    length = norm(p)
    return over(torch.maximum(_PUSH * scale * (usual - length), _LEAST * length), length) * p
