"""The sides of a lane: which conditionings the network gets under each name at a step."""

from collections.abc import Mapping
from dataclasses import dataclass

from negspace.encoding import Conditioning
from negspace.guidance import Branch
from negspace.guidance.branch import EMPTY, NEGATIVE, POSITIVE
from negspace.guidance.shared.terms import is_joint_side, joint_sides


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


def empty_ids(sides: SidesAtStep) -> set[int]:
    """The identities of the conditionings of the empty prompt."""
    return {id(part.conditioning) for part in sides[EMPTY]}


def is_empty(sides: SidesAtStep, name: str) -> bool:
    """Whether a side is nothing but the empty prompt, or zeros."""
    empty = empty_ids(sides)
    return all(id(part.conditioning) in empty or part.conditioning.given == "zeros" for part in sides[name])


def avoided_weight(sides: SidesAtStep, negatives: Mapping[str, float], name: str) -> float:
    """The weight of a side that holds something avoided; 0 for every other.

    Args:
        negatives: the weights, at this step, of the sides of separate terms.
    """
    if is_joint_side(name):
        weight, _ = joint_sides(negatives).get(name, (0.0, ()))
        return 0.0 if sides[name] is sides[POSITIVE] else weight
    weight = 1.0 if name == NEGATIVE else negatives.get(name, 0.0)
    return weight if weight and not is_empty(sides, name) else 0.0
