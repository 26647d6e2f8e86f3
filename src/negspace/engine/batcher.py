"""Batches: rows of many lanes go through the network together."""

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
    """How rows are split into batches.

    Attributes:
        rows: of the largest batch, at least one.
    """

    rows: int

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ValueError(f"a batch needs at least one row, not {self.rows}")

    @abstractmethod
    def padded(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The batch for these rows. Rows after them are padding, their predictions are thrown away."""

    def split(self, rows: Sequence[T]) -> Iterator[Sequence[T]]:
        """Rows of one kind in batches of at most `rows`."""
        for start in range(0, len(rows), self.rows):
            yield rows[start : start + self.rows]

    @property
    def workers(self) -> int:
        """The best number of threads, each with an engine of its own, where many pictures are wanted."""
        return 1

    def shared_by(self, workers: int) -> "Batching":
        """The batching of each of so many threads that run engines at this moment."""
        return self

    @property
    def torch_threads(self) -> int:
        """Threads of torch for the work of an engine between batches."""
        return torch.get_num_threads()

    def predict_all(self, network: Network, batches: Sequence[Sequence[Row]]) -> list[Tensor]:
        """The predictions of each batch, [rows, channels, height, width] float32."""
        return [network.predict(rows) for rows in batches]


@final
@dataclass(frozen=True)
class FixedBatches(Batching):
    """Every batch has exactly this many rows; where there are fewer, the last one is repeated.

    This makes a picture independent of its companions bit for bit. Kernels choose the order of their sums
    by the size of the batch, never by its contents or their places: in float32, latents made with 2 and with
    4 rows a batch differ by up to 1e-5 (oneDNN on AVX-512; in bfloat16 they do not differ there). Two
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
    """The prediction of every row in its order, [channels, height, width] float32 each; and how many batches.

    Rows of one kind share batches, whichever lanes they come from.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.kind, []).append(index)
    parts = [part for indices in groups.values() for part in batching.split(indices)]
    batches = [batching.padded([rows[index] for index in part]) for part in parts]
    predictions: dict[int, Tensor] = {}
    for part, predicted in zip(parts, batching.predict_all(network, batches), strict=True):
        predictions.update({index: predicted[offset] for offset, index in enumerate(part)})
    return [predictions[index] for index in range(len(rows))], len(batches)
