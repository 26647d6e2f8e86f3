"""The sides of a lane: which conditionings the network gets under each name at a step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from negspace.encoding import Conditioning
from negspace.guidance import Branch, Step
from negspace.guidance.branch import EMPTY, NEGATIVE, POSITIVE
from negspace.guidance.shared.groups import divided, negatives_of
from negspace.guidance.shared.terms import joint_side, joint_sides


@dataclass(frozen=True, eq=False)
class WeightedConditioning:
    """One conditioning of a side, with its weight in the sum."""

    conditioning: Conditioning
    weight: float = 1.0


ConditioningSum = tuple[WeightedConditioning, ...]
"""One side: d_u + sum of weight * (d_part - d_u). A single part of weight 1 is its own prediction."""

SidesAtStep = Mapping[str, ConditioningSum]
"""Every side of a lane at one step, by name. "empty" is always among them."""


def sides_of(branch: Branch) -> tuple[str, ...]:
    """The side of a branch, and those that its patch reads."""
    return branch.side, *(branch.patch.sides if branch.patch else ())


def contents(side: ConditioningSum) -> list[tuple[int, float]]:
    """Equal for sides that say the same: what the network reads alike is one object."""
    return [(id(part.conditioning), part.weight) for part in side]


def empty_ids(sides: SidesAtStep) -> set[int]:
    """The identities of the conditionings of the empty prompt."""
    return {id(part.conditioning) for part in sides[EMPTY]}


def is_empty(sides: SidesAtStep, name: str) -> bool:
    """Whether a side is nothing but the empty prompt, or zeros."""
    empty = empty_ids(sides)
    return all(id(part.conditioning) in empty or part.conditioning.given == "zeros" for part in sides[name])


def read_alike(first: Conditioning, second: Conditioning) -> bool:
    """Whether the network reads the same from both."""
    pairs = (
        (getattr(first, name), getattr(second, name))
        for name in ("hidden", "pooled", "value_scale", "mask", "words")
    )
    return first.exchange is second.exchange is None and all(
        left is right or _equal(left, right) for left, right in pairs
    )


def _equal(left: Tensor | None, right: Tensor | None) -> bool:
    return left is not None and right is not None and torch.equal(left, right)


def avoided_weight(sides: SidesAtStep, step: Step, name: str) -> float:
    """The weight of a side that holds something avoided; 0 for every other.

    Args:
        step: with the weights of the sides of separate terms.
    """
    if sides[name] is sides[POSITIVE]:
        return 0.0  # it stands for something that is absent
    side, group = divided(name)
    negatives = negatives_of(step, group)
    if joint := joint_side(side):
        return joint_sides(negatives).get(joint, (0.0, ()))[0]
    weight = 1.0 if side == NEGATIVE else negatives.get(side, 0.0)
    return weight if weight and not is_empty(sides, name) else 0.0


def avoided_at(sides: SidesAtStep, branches: Sequence[Branch], step: Step) -> dict[str, float]:
    """The weight of every side with something avoided that the network reads for these branches."""
    read = dict.fromkeys(side for branch in branches for side in sides_of(branch) if side != POSITIVE)
    weights = {side: avoided_weight(sides, step, side) for side in read}
    return {side: weight for side, weight in weights.items() if weight}


def terms_in(name: str, step: Step) -> set[str]:
    """The separate terms that are in an avoided side, by their own sides.

    Args:
        name: of any side.
        step: with the weights of the sides of separate terms.
    """
    side, group = divided(name)
    negatives = negatives_of(step, group)
    if side == NEGATIVE:
        return {term for term, weight in negatives.items() if weight and divided(term)[0] != NEGATIVE}
    if joint := joint_side(side):
        return set(joint_sides(negatives).get(joint, (0.0, ()))[1])
    return {name}


def step_at(evaluation: int, steps: int, evaluations: int) -> int:
    """The step of a sampler to which an evaluation belongs; one of second order takes two for a step."""
    return evaluation * steps // evaluations
