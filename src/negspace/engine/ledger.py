"""What is counted and measured about a lane, step by step."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from negspace.engine.influence import Influence, RuleStep
from negspace.engine.sides import SidesAtStep, avoided_at, is_empty, terms_in
from negspace.guidance import Branch, Rule
from negspace.guidance.branch import EMPTY, POSITIVE
from negspace.guidance.decompose import Parts, decompose
from negspace.guidance.shared.terms import is_joint_side
from negspace.records import Omega


@dataclass(frozen=True)
class LaneStats:
    """What one picture cost and what its negative did.

    Attributes:
        evaluations: network passes by branch.
        negative_steps: steps at which the network got something avoided.
        term_steps: the same for each separate term, by its side; terms that it never got are left out.
        acted: whether something avoided made a difference.
        acted_terms: the separate terms that were in what made a difference, by their sides.
        push: per evaluation step, the length of the sum of the pushes of everything avoided; None where none
            was evaluated.
        omega: per evaluation step, its effective strengths; None where they cannot be known.
    """

    evaluations: dict[str, int]
    negative_steps: int
    term_steps: dict[str, int]
    acted: bool
    acted_terms: frozenset[str]
    push: tuple[float | None, ...]
    omega: tuple[Omega | None, ...]


def joined_stats(first: LaneStats, second: LaneStats) -> LaneStats:
    """The stats of two passes over one picture, the steps of the second behind those of the first."""
    return LaneStats(
        evaluations=dict(Counter(first.evaluations) + Counter(second.evaluations)),
        negative_steps=first.negative_steps + second.negative_steps,
        term_steps=dict(Counter(first.term_steps) + Counter(second.term_steps)),
        acted=first.acted or second.acted,
        acted_terms=first.acted_terms | second.acted_terms,
        push=(*first.push, *second.push),
        omega=(*first.omega, *second.omega),
    )


class Ledger:
    """Collects the stats of one lane. Its tensors stay on the device until the stats are read.

    Args:
        rule: of the lane.
    """

    def __init__(self, rule: Rule[Any]) -> None:
        self._evaluations: dict[str, int] = {}
        self._influence = Influence(rule)
        self._negative_steps: set[int] = set()
        self._term_steps: dict[str, set[int]] = {}
        self._pushes: list[Tensor | None] = []
        self._parts: list[Parts | None] = []

    def count(self, branch: str) -> None:
        """One pass of the network for this branch."""
        self._evaluations[branch] = self._evaluations.get(branch, 0) + 1

    def step(
        self, taken: RuleStep, sides: SidesAtStep, predictions: Mapping[str, Tensor], guided: Tensor
    ) -> None:
        """Measure one step.

        Args:
            taken: the step as the rule took it.
            sides: the sides of the lane at this step.
            predictions: by branch name, [1, channels, height, width] each, in the space of the network.
            guided: what the rule made of them, in the same space.
        """
        weights = avoided_at(sides, taken.branches, taken.step)
        self._influence.observe(taken, tuple(weights))
        if weights:
            self._negative_steps.add(taken.step.index)
        for term in {term for side in weights for term in terms_in(side, taken.step)}:
            self._term_steps.setdefault(term, set()).add(taken.step.index)
        self._pushes.append(_push(taken.branches, weights, predictions))
        self._parts.append(_parts(taken.branches, weights, predictions, guided, sides))

    def stats(self) -> LaneStats:
        """The stats so far. Only here are numbers fetched from the device, all at once."""
        pushes = [push.reshape(1) for push in self._pushes if push is not None]
        parts = [torch.cat([part.towards, part.away, part.rest]) for part in self._parts if part is not None]
        fetched = iter(torch.cat([*pushes, *parts]).tolist() if pushes or parts else [])
        push = tuple(None if push is None else next(fetched) for push in self._pushes)
        omega = tuple(
            None
            if part is None
            else Omega(positive=next(fetched), negative=next(fetched), residual=next(fetched))
            for part in self._parts
        )
        return LaneStats(
            evaluations=dict(self._evaluations),
            negative_steps=len(self._negative_steps),
            term_steps={term: len(steps) for term, steps in self._term_steps.items()},
            acted=bool(self._influence.sides),
            acted_terms=frozenset(self._influence.terms),
            push=push,
            omega=omega,
        )


def _push(
    branches: Sequence[Branch], weights: Mapping[str, float], predictions: Mapping[str, Tensor]
) -> Tensor | None:
    """The length of the sum of all pushes, a tensor of one number; None where nothing avoided was evaluated.

    A push starts from the empty prediction, or else from the positive one.
    """
    pushes = _pushes(branches, weights, predictions, predictions.get(EMPTY, predictions[POSITIVE]))
    return torch.linalg.vector_norm(torch.stack(pushes).sum(0)) if pushes else None


def _pushes(
    branches: Sequence[Branch],
    weights: Mapping[str, float],
    predictions: Mapping[str, Tensor],
    base: Tensor,
) -> list[Tensor]:
    """weight * (d_n - base) for each branch of something avoided; a joint side starts from the positive."""
    return [
        weight * (predictions[branch.name] - (predictions[POSITIVE] if is_joint_side(branch.side) else base))
        for branch in branches
        if (weight := weights.get(branch.side, 0.0))
    ]


def _parts(
    branches: Sequence[Branch],
    weights: Mapping[str, float],
    predictions: Mapping[str, Tensor],
    guided: Tensor,
    sides: SidesAtStep,
) -> Parts | None:
    """The guided step taken apart; None without unpatched predictions of the positive and the empty side."""
    plain = [branch for branch in branches if branch.patch is None]
    others = [branch for branch in plain if branch.side != POSITIVE]
    positive = next((predictions[branch.name] for branch in plain if branch.side == POSITIVE), None)
    empty = next((predictions[branch.name] for branch in others if is_empty(sides, branch.side)), None)
    if positive is None or empty is None:
        return None
    pushes = _pushes(others, weights, predictions, empty)
    negative = empty + torch.stack(pushes).sum(0) if pushes else None
    return decompose(guided, positive, empty, negative)
