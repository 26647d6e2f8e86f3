"""Ledger: every evaluation counted where it happens."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Account:
    """What one picture cost and what its negative did.

    Attributes:
        evaluations: network passes by branch.
        told: evaluation steps at which the network was told what is avoided.
        push: per evaluation step, how far the predictions of it stood off; None where none was run.
    """

    evaluations: dict[str, int]
    told: int
    push: tuple[float | None, ...]


class Ledger:
    """The account of one lane while it is under way."""

    def __init__(self) -> None:
        self._evaluations: dict[str, int] = {}
        self._told = 0
        self._push: list[Tensor | None] = []

    def count(self, branch: str) -> None:
        """One row went through the network for this branch."""
        self._evaluations[branch] = self._evaluations.get(branch, 0) + 1

    def told(self, told: bool) -> None:
        """Whether the network was told at one step what is avoided."""
        self._told += told

    def pushed(self, push: Tensor | None) -> None:
        """The push of one step, a tensor of one number; None where no negative was run."""
        self._push.append(push)

    def close(self) -> Account:
        """The account so far. Only here are numbers fetched from the device, all at once."""
        known = [push for push in self._push if push is not None]
        fetched = iter(torch.stack(known).tolist() if known else [])
        return Account(
            dict(self._evaluations),
            self._told,
            tuple(None if p is None else next(fetched) for p in self._push),
        )
