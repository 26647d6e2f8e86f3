"""What rules cost in evaluations, counted by asking them for their branches."""

from typing import Any

from negspace.guidance.base import Rule, Step
from negspace.guidance.branch import NEGATIVE

_STEPS = 50


def evaluations(rule: Rule[Any], avoided: int = 1) -> int:
    """The largest number of predictions that a rule needs at any of 50 steps, in its first state.

    Args:
        rule: any.
        avoided: number of avoided terms.
    """
    import torch

    negatives = {f"{NEGATIVE}:{number}": 1.0 for number in range(avoided)}
    x, state = torch.zeros(1, 1, 1, 1), rule.init()
    counts: list[int] = []
    for index in range(_STEPS):
        a = (index + 0.5) / _STEPS
        s = (1 - a * a) ** 0.5
        branches = rule.branches(Step(index, _STEPS, s / a, x, a, s, negatives), state)
        counts.append(len({(branch.side, branch.patch) for branch in branches}))
    return max(counts)
