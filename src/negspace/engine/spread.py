"""Spread: forwards side by side on the cores of a CPU, each with threads of its own."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar, final

import torch
from torch import Tensor

from negspace.engine.batcher import Width
from negspace.models.base import Network, Row

T = TypeVar("T")

CORES = torch.get_num_threads()
"""Threads that torch was told to take, or has found cores for, when it was loaded."""


@final
@dataclass(frozen=True)
class Spread(Width):
    """The rows that there are, shared out evenly among the cores, at most this many a forward: the fastest on
    a CPU that does other things too, and exact to float tolerance only.

    The cores that share one forward wait for the slowest of them after every layer, some hundred times a
    step; those with a forward of their own meet once a step. Elsewhere than on a CPU it is `UpTo`.
    """

    def filled(self, rows: Sequence[Row]) -> Sequence[Row]:
        return rows

    def parts(self, rows: Sequence[T]) -> Iterator[Sequence[T]]:
        count = max(-(-len(rows) // self.rows), min(CORES, len(rows)))
        for part in range(count):
            yield rows[len(rows) * part // count : len(rows) * (part + 1) // count]

    @property
    def threads(self) -> int:
        """Half of the cores: where two threads share two cores with anything else, each waits for the other
        most of the time."""
        return max(1, CORES // 2)

    def carried_out(self, network: Network, forwards: Sequence[Sequence[Row]]) -> list[Tensor]:
        beside = [number for number, rows in enumerate(forwards) if not _changes(rows)]
        if network.device.type != "cpu" or min(CORES, len(beside)) < 2:
            return super().carried_out(network, forwards)
        threads = max(1, CORES // len(beside))
        crew = _crew(CORES)
        waiting = {number: crew.submit(_predicted, network, forwards[number], threads) for number in beside}
        done = {number: one.result() for number, one in waiting.items()}
        for number, rows in enumerate(forwards):
            if number not in done:
                done[number] = network.predict(rows)
        return [done[number] for number in range(len(forwards))]


def _changes(rows: Sequence[Row]) -> bool:
    """Whether the network is changed for a forward, which others of it must not see."""
    return any(
        row.patch is not None or any(one.exchange or one.value_scale is not None for one in row.told)
        for row in rows
    )


def _predicted(network: Network, rows: Sequence[Row], threads: int) -> Tensor:
    torch.set_num_threads(threads)  # of this thread of the crew
    return network.predict(rows)


@lru_cache(maxsize=1)
def _crew(hands: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(hands, "negspace forward")
