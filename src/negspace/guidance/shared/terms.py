"""Shared by rules with a branch for each avoided term: the weights at a step, joint sides, weighted sums."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Self, TypeVar

from negspace.guidance.base import Rule, Step
from negspace.guidance.branch import ALONE, EMPTY, JOINT, NEGATIVE, POSITIVE, Branch
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Moment, Strength

State = TypeVar("State")

_JOINTS = 8
"""A term that shares a side with one that would not come is not seen to come; yet every side is evaluated."""


class FromEmpty(Rule[State], ABC):
    """A rule that starts from the empty prompt and pushes away from what is avoided.

    It may act at scale 1, so only its strength turns it off. Subclasses declare the fields.
    """

    delivery = "terms"
    acts_at_scale_1 = True

    scale: float
    negative: float
    strength: Strength

    def reaches(self, moment: Moment) -> bool:
        return bool(self.negative) and self.strength.at(moment) != 0

    def off(self) -> Self:
        return replace(self, strength=Constant(0.0))  # type: ignore[type-var]

    def scale_at(self, step: Step) -> float:
        """The scale towards the prompt at this step."""
        return 1.0 + self.strength.at(step) * (self.scale - 1.0)


def negative_weights(step: Step) -> dict[str, float]:
    """The weight of each avoided side at this step, without sides of weight 0.

    These are the separate terms; where everything avoided is one text, that text is the only side.
    """
    weights = step.negatives or {NEGATIVE: 1.0}
    return {side: weight for side, weight in weights.items() if weight}


def joint_sides(weights: Mapping[str, float]) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Separate terms, divided among at most eight joint sides.

    Which terms belong to which joint side does not depend on the weights.

    Args:
        weights: by the side of each separate term.

    Returns:
        by joint side, the largest weight of its terms, and those terms that have a weight other than 0; joint
        sides without such terms are left out.
    """
    sides: dict[str, tuple[float, tuple[str, ...]]] = {}
    for number in range(_JOINTS):
        terms = tuple(side for side in list(weights)[number::_JOINTS] if weights[side])
        if terms:
            sides[f"{JOINT}:{number}"] = max((weights[side] for side in terms), key=abs), terms
    return sides


def is_joint_side(side: str) -> bool:
    """Whether a side is the prompt together with something avoided."""
    return side.startswith(f"{JOINT}:")


def alone_side(joint: str) -> str:
    """The side that holds the terms of a joint side without the prompt."""
    return f"{ALONE}{joint.removeprefix(JOINT)}"


def joint_side(side: str) -> str | None:
    """The joint side whose terms a side holds, with the prompt or without; None where it is neither."""
    kind, _, number = side.partition(":")
    return f"{JOINT}:{number}" if number and kind in (JOINT, ALONE) else None


def branches_of(*sides: str) -> tuple[Branch, ...]:
    """Branches for the positive and for these sides, each with the name of its side."""
    return tuple(Branch(side, side) for side in (POSITIVE, *sides))


def evaluated_weights(predictions: Mapping[str, Tensor], weights: Mapping[str, float]) -> dict[str, float]:
    """The weights of those avoided sides that were evaluated."""
    return {side: weight for side, weight in weights.items() if side in predictions}


def plainly_guided(predictions: Mapping[str, Tensor], scale: float) -> Tensor:
    """d_u + w (d_c - d_u), or d_c where the empty prompt was not evaluated or w is 1."""
    positive = predictions[POSITIVE]
    if EMPTY not in predictions or scale == 1.0:
        return positive
    empty = predictions[EMPTY]
    return empty + scale * (positive - empty)


def to_eps(step: Step) -> float:
    """The factor that turns a difference of two x0 into the difference of their eps: -a/s.

    Rules whose paper measures eps work in x0 and use this factor. In pure noise, where a flow model starts,
    eps is x for every conditioning, and a prediction cannot be recovered from it.
    """
    return -step.a / step.s


def total(terms: Iterable[Tensor]) -> Tensor | float:
    """The sum of no, one or many terms."""
    result: Tensor | float = 0.0
    for term in terms:
        result = result + term
    return result


def branches_pushed_from(scale: float, away: Mapping[str, object]) -> tuple[Branch, ...]:
    """The branches of a rule that pushes the plainly guided prediction away from these sides."""
    return branches_of(*([] if scale == 1.0 else [EMPTY]), *away)


def pushed_away(
    predictions: Mapping[str, Tensor], scale: float, odds: Mapping[str, Tensor | float]
) -> Tensor:
    """b - sum_j l_j (d_nj - b) with b = d_u + w (d_c - d_u)."""
    guided = base = plainly_guided(predictions, scale)
    for side, push in odds.items():
        guided = guided - push * (predictions[side] - base)
    return guided


_NOTHING = 1e-9


class Linear(FromEmpty[None]):
    """d = d_u + w (d_c - d_u) - sum_j g_j (d_nj - d_u), the same in every space.

    Written around d_c, the weight of d_u is 1 - w + sum_j g_j and that of d_nj is -g_j. What has weight 0 is
    not evaluated: one negative with g = w - 1 needs no empty prompt.
    """

    @abstractmethod
    def weights(self, step: Step) -> tuple[float, dict[str, float]]:
        """(w, g by side) at this step."""

    def init(self) -> None:
        return None

    def branches(self, step: Step, state: None) -> tuple[Branch, ...]:
        return branches_of(*self._others(step))

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: None) -> tuple[Tensor, None]:
        guided = positive = predictions[POSITIVE]
        for side, weight in self._others(step).items():
            guided = guided + weight * (predictions[side] - positive)
        return guided, None

    def _others(self, step: Step) -> dict[str, float]:
        scale, away = self.weights(step)
        weights = {EMPTY: 1.0 - scale + sum(away.values())} | {side: -push for side, push in away.items()}
        return {side: weight for side, weight in weights.items() if abs(weight) > _NOTHING}
