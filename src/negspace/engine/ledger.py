"""Ledger: every evaluation counted where it happens."""

from dataclasses import dataclass

import torch
from torch import Tensor

from negspace.guidance.decompose import Parts
from negspace.records import Omega


@dataclass(frozen=True)
class LaneStats:
    """What one picture cost and what its negative did.

    Attributes:
        evaluations: network passes by branch.
        told: evaluation steps at which the network was told what is avoided.
        push: per evaluation step, how far the predictions of it stood off; None where none was run.
        omega: per evaluation step, its effective strengths; None where they cannot be known.
    """

    evaluations: dict[str, int]
    negative_steps: int
    push: tuple[float | None, ...]
    omega: tuple[Omega | None, ...]


class Ledger:
    """The account of one lane while it is under way."""

    def __init__(self) -> None:
        self._evaluations: dict[str, int] = {}
        self._told = 0
        self._push: list[Tensor | None] = []
        self._parts: list[Parts | None] = []

    def count(self, branch: str) -> None:
        """One row went through the network for this branch."""
        self._evaluations[branch] = self._evaluations.get(branch, 0) + 1

    def step(self, told: bool, push: Tensor | None, parts: Parts | None) -> None:
        """What one step did.

        Args:
            told: whether the network was told what is avoided.
            push: a tensor of one number; None where no prediction of what is avoided was run.
            parts: of the guided step; None where they cannot be known.
        """
        self._told += told
        self._push.append(push)
        self._parts.append(parts)

    def close(self) -> LaneStats:
        """The account so far. Only here are numbers fetched from the device, all at once."""
        pushes = [push.reshape(1) for push in self._push if push is not None]
        parts = [torch.cat([one.towards, one.away, one.rest]) for one in self._parts if one is not None]
        fetched = iter(torch.cat([*pushes, *parts]).tolist() if pushes or parts else [])
        push = tuple(None if one is None else next(fetched) for one in self._push)
        omega = tuple(
            None
            if one is None
            else Omega(positive=next(fetched), negative=next(fetched), residual=next(fetched))
            for one in self._parts
        )
        return LaneStats(dict(self._evaluations), self._told, push, omega)
