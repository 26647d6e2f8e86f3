"""What is counted and measured about a lane, step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from negspace.engine.sides import SidesAtStep, avoided_weight, is_empty, sides_of
from negspace.guidance import Branch, Step
from negspace.guidance.branch import EMPTY, POSITIVE
from negspace.guidance.decompose import Parts, decompose
from negspace.guidance.shared.terms import is_joint_side
from negspace.records import Omega


@dataclass(frozen=True)
class LaneStats:
    """What one picture cost and what its negative did.

    Attributes:
        evaluations: network passes by branch.
        negative_steps: evaluation steps at which the network got something avoided.
        push: per evaluation step, the length of the sum of the pushes of everything avoided; None where none
            was evaluated.
        omega: per evaluation step, its effective strengths; None where they cannot be known.
    """

    evaluations: dict[str, int]
    negative_steps: int
    push: tuple[float | None, ...]
    omega: tuple[Omega | None, ...]


class Ledger:
    """Collects the stats of one lane. Its tensors stay on the device until the stats are read."""

    def __init__(self) -> None:
        self._evaluations: dict[str, int] = {}
        self._negative_steps = 0
        self._pushes: list[Tensor | None] = []
        self._parts: list[Parts | None] = []

    def count(self, branch: str) -> None:
        """One pass of the network for this branch."""
        self._evaluations[branch] = self._evaluations.get(branch, 0) + 1

    def step(
        self,
        step: Step,
        sides: SidesAtStep,
        branches: Sequence[Branch],
        predictions: Mapping[str, Tensor],
        guided: Tensor,
    ) -> None:
        """Measure one step.

        Args:
            step: where the picture stands.
            sides: the sides of the lane at this step.
            branches: what the rule asked for.
            predictions: by branch name, [1, channels, height, width] each.
            guided: what the rule made of them, in the same space.
        """
        read = {side for branch in branches for side in sides_of(branch)}
        weights = {side: avoided_weight(sides, step.negatives, side) for side in read if side != POSITIVE}
        self._negative_steps += any(weights.values())
        self._pushes.append(_push(branches, weights, predictions))
        self._parts.append(_parts(branches, weights, predictions, guided, sides))

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
        return LaneStats(dict(self._evaluations), self._negative_steps, push, omega)


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
