"""Spread: forwards side by side on the cores of a CPU, each with threads of its own."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar, final

import torch
from torch import Tensor

from negspace.engine.batcher import Batching
from negspace.models.base import Network, Row

T = TypeVar("T")

CORES = torch.get_num_threads()
"""Threads that torch was told to take, or has found cores for, when it was loaded."""


@final
@dataclass(frozen=True)
class BatchesPerCore(Batching):
    """The rows that there are, shared out evenly among the cores, at most this many a forward: the fastest on
    a CPU that does other things too, and exact to float tolerance only.

    The cores that share one forward wait for the slowest of them after every layer, some hundred times a
    step; those with a forward of their own meet once a step, and those with an engine of their own never.
    Elsewhere than on a CPU it is `BatchesUpTo`.

    Attributes:
        cores: that it may take; None is all.
    """

    cores: int | None = None

    @property
    def workers(self) -> int:
        return 1 if torch.cuda.is_available() else CORES

    def shared_by(self, workers: int) -> "BatchesPerCore":
        return replace(self, cores=max(1, CORES // workers))

    @property
    def torch_threads(self) -> int:
        """Half of the cores: where two threads share two cores with anything else, each waits for the other
        most of the time."""
        return max(1, self._cores // 2)

    def padded(self, rows: Sequence[Row]) -> Sequence[Row]:
        return rows

    def split(self, rows: Sequence[T]) -> Iterator[Sequence[T]]:
        count = max(-(-len(rows) // self.rows), min(self._cores, len(rows)))
        for part in range(count):
            yield rows[len(rows) * part // count : len(rows) * (part + 1) // count]

    def predict_all(self, network: Network, forwards: Sequence[Sequence[Row]]) -> list[Tensor]:
        beside = min(self._cores, len(forwards))
        if network.device.type != "cpu" or beside < 2:
            return super().predict_all(network, forwards)
        threads = max(1, self._cores // beside)
        return list(_thread_pool(CORES).map(lambda rows: _predict(network, rows, threads), forwards))

    @property
    def _cores(self) -> int:
        return CORES if self.cores is None else self.cores


def _predict(network: Network, rows: Sequence[Row], threads: int) -> Tensor:
    torch.set_num_threads(threads)  # of this thread of the crew
    return network.predict(rows)


@lru_cache(maxsize=1)
def _thread_pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, "negspace forward")
