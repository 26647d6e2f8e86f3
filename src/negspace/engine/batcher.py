"""Batcher: rows of many lanes go through the network together, and each comes back to its place."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, final

import torch
from torch import Tensor

from negspace.models.base import Network, Row

T = TypeVar("T")


@dataclass(frozen=True)
class Batching(ABC):
    """How many rows go through the network at once.

    Attributes:
        rows: in the largest forward, at least one.
    """

    rows: int

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ValueError(f"a forward needs at least one row, not {self.rows}")

    @abstractmethod
    def padded(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows of one forward; those after the given ones only fill it, their answers are thrown away."""

    def split(self, rows: Sequence[T]) -> Iterator[Sequence[T]]:
        """The rows of one kind, at most as many at a time."""
        for start in range(0, len(rows), self.rows):
            yield rows[start : start + self.rows]

    @property
    def workers(self) -> int:
        """How many threads do best to drive engines of their own beside each other, where many pictures are
        wanted."""
        return 1

    def shared_by(self, workers: int) -> "Batching":
        """The width for each of so many threads that drive engines at this moment."""
        return self

    @property
    def torch_threads(self) -> int:
        """Threads of torch for what a thread that drives an engine does between forwards."""
        return torch.get_num_threads()

    def predict_all(self, network: Network, forwards: Sequence[Sequence[Row]]) -> list[Tensor]:
        """The predictions of each forward, [rows, channels, height, width] float32."""
        return [network.predict(rows) for rows in forwards]


@final
@dataclass(frozen=True)
class FixedBatches(Batching):
    """Every forward has exactly this many rows; where there are fewer, one is repeated.

    This makes a picture independent of its companions bit for bit. Kernels choose the order of their sums
    by the size of the batch, never by what stands in it or where: in float32, latents made with 2 and with
    4 rows a forward differ by up to 1e-5 (oneDNN on AVX-512; in bfloat16 they do not differ there). Two
    rows, the pair of one guided picture, leave nothing idle when it is alone.
    """

    rows: int = 2

    def padded(self, rows: Sequence[Row]) -> Sequence[Row]:
        return [*rows, *[rows[-1]] * (self.rows - len(rows))]


@final
@dataclass(frozen=True)
class BatchesUpTo(Batching):
    """As many rows as there are, at most this many: the fastest, and exact to float tolerance only."""

    def padded(self, rows: Sequence[Row]) -> Sequence[Row]:
        return rows


def predict(network: Network, rows: Sequence[Row], batching: Batching) -> tuple[list[Tensor], int]:
    """The prediction of every row in its order, [channels, height, width] float32 each; and the forwards.

    Rows of one kind share forwards, whichever lanes they come from.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.kind, []).append(index)
    parts = [part for indices in groups.values() for part in batching.split(indices)]
    forwards = [batching.padded([rows[index] for index in part]) for part in parts]
    answers: dict[int, Tensor] = {}
    for part, predicted in zip(parts, batching.predict_all(network, forwards), strict=True):
        answers.update({index: predicted[offset] for offset, index in enumerate(part)})
    return [answers[index] for index in range(len(rows))], len(forwards)
