"""Batches side by side on the cores of a CPU, each with threads of its own."""

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
"""Threads of torch when it was loaded: as many as it was set to, or as it found cores."""


@final
@dataclass(frozen=True)
class BatchesPerCore(Batching):
    """The rows split evenly among the cores, at most this many a batch: the fastest on a CPU that does other
    work too, and exact to float tolerance only.

    Cores that share one batch wait for the slowest of them after every layer, some hundred times a step; with
    a batch each they wait once a step, and with an engine each never. Other devices than a CPU get batches as
    from `BatchesUpTo`.

    Attributes:
        cores: that it may use; None is all.
    """

    cores: int | None = None

    @property
    def workers(self) -> int:
        return 1 if torch.cuda.is_available() else CORES

    def shared_by(self, workers: int) -> "BatchesPerCore":
        return replace(self, cores=max(1, CORES // workers))

    @property
    def torch_threads(self) -> int:
        """Half of the cores: where two threads share two cores with other work, each waits for the other most
        of the time."""
        return max(1, self._cores // 2)

    def padded(self, rows: Sequence[Row]) -> Sequence[Row]:
        return rows

    def split(self, rows: Sequence[T]) -> Iterator[Sequence[T]]:
        count = max(-(-len(rows) // self.rows), min(self._cores, len(rows)))
        for part in range(count):
            yield rows[len(rows) * part // count : len(rows) * (part + 1) // count]

    def predict_all(self, network: Network, batches: Sequence[Sequence[Row]]) -> list[Tensor]:
        parallel = min(self._cores, len(batches))
        if network.device.type != "cpu" or parallel < 2:
            return super().predict_all(network, batches)
        threads = max(1, self._cores // parallel)
        return list(_thread_pool(CORES).map(lambda rows: _predict(network, rows, threads), batches))

    @property
    def _cores(self) -> int:
        return CORES if self.cores is None else self.cores


def _predict(network: Network, rows: Sequence[Row], threads: int) -> Tensor:
    torch.set_num_threads(threads)  # for this worker alone
    return network.predict(rows)


@lru_cache(maxsize=1)
def _thread_pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, "negspace forward")
