"""Shared by what tells locked terms from the others: the groups of a step, and their sides."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from negspace.guidance.base import Step
from negspace.guidance.branch import EMPTY, LOCKED, NEGATIVE, OTHERS, Branch
from negspace.guidance.shared.terms import joint_side

EVERYTHING, NOTHING = "", "nothing"
"""The group of all terms, where they are not divided; and that of none."""

GROUPS = (LOCKED, OTHERS)


def side_of_group(side: str, group: str) -> str:
    """The name of a side with everything avoided, limited to a group."""
    return f"{side}@{group}"


def divided(side: str) -> tuple[str, str]:
    """A side without its group, and the group."""
    side, _, group = side.partition("@")
    return side, group


def negatives_of(step: Step, group: str) -> Mapping[str, float]:
    """The weights of the separate terms of a group at a step, by side."""
    return weights_of_group(step.negatives, group, step.locked)


def weights_of_group(
    weights: Mapping[str, float], group: str, locked: Collection[str]
) -> Mapping[str, float]:
    """The weights of the separate terms of a group, by side.

    Args:
        weights: of all sides.
        group: of terms.
        locked: the sides of those terms that a policy locks.
    """
    if group == EVERYTHING:
        return weights
    if group == NOTHING:
        return {NEGATIVE: 0.0}
    terms = (side for side in weights if side.startswith(f"{NEGATIVE}:"))
    return {side: weights[side] for side in terms if (side in locked) == (group == LOCKED)}


def step_of_group(step: Step, group: str) -> Step:
    """A step as it is where the terms of a group are all that is avoided."""
    return step if group == EVERYTHING else replace(step, negatives=negatives_of(step, group))


def groups_at(step: Step) -> tuple[str, ...]:
    """The groups that are evaluated at a step: `EVERYTHING` alone where there are no locked terms or no
    others; with terms of both at this step also `NOTHING`, from which their pushes are measured.
    """
    by_group = {group: negatives_of(step, group) for group in GROUPS}
    if not all(by_group.values()):
        return (EVERYTHING,)
    active = tuple(group for group in GROUPS if any(by_group[group].values()))
    return (*active, NOTHING) if len(active) > 1 else active or (NOTHING,)


def branch_of_group(branch: Branch, group: str, alone: bool) -> Branch:
    """A branch that reads what is avoided, limited to a group.

    Args:
        branch: of a rule that was asked for the group.
        group: of terms.
        alone: whether no other group is evaluated; else the branch gets a name of its own where it differs.
    """
    if group == EVERYTHING or (group == NOTHING and alone):
        return branch
    patch = branch.patch
    if patch is not None and patch.sides:
        patch = replace(patch, sides=tuple(_limited(side, group) for side in patch.sides))
    limited = replace(branch, side=_limited(branch.side, group), patch=patch)
    return limited if alone or limited == branch else replace(limited, name=f"{branch.name}@{group}")


def _limited(side: str, group: str) -> str:
    """A side for a group: the text of everything and joint sides are others for each, a term is in one."""
    if side == NEGATIVE:
        return EMPTY if group == NOTHING else side_of_group(side, group)
    return side_of_group(side, group) if joint_side(side) and group != NOTHING else side
