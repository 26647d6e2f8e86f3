"""Batcher: rows of many lanes go through the network together, and each comes back to its place."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from torch import Tensor

from negspace.models.base import Network, Row


@dataclass(frozen=True)
class Width(ABC):
    """How many rows go through the network at once.

    Attributes:
        rows: in the largest forward, at least one.
    """

    rows: int

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ValueError(f"a forward needs at least one row, not {self.rows}")

    @abstractmethod
    def filled(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows of one forward; those after the given ones only fill it, their answers are thrown away."""

    def parts(self, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        """The rows, at most as many at a time."""
        for start in range(0, len(rows), self.rows):
            yield rows[start : start + self.rows]


@final
@dataclass(frozen=True)
class Fixed(Width):
    """Every forward has exactly this many rows; where there are fewer, one is repeated.

    This makes a picture independent of its companions bit for bit. Kernels choose the order of their sums
    by the size of the batch, never by what stands in it or where: in float32, latents made with 2 and with
    4 rows a forward differ by up to 1e-5 (oneDNN on AVX-512; in bfloat16 they do not differ there). Two
    rows, the pair of one guided picture, leave nothing idle when it is alone.
    """

    rows: int = 2

    def filled(self, rows: Sequence[Row]) -> Sequence[Row]:
        return [*rows, *[rows[-1]] * (self.rows - len(rows))]


@final
@dataclass(frozen=True)
class UpTo(Width):
    """As many rows as there are, at most this many: the fastest, and exact to float tolerance only."""

    def filled(self, rows: Sequence[Row]) -> Sequence[Row]:
        return rows


def predict(network: Network, rows: Sequence[Row], width: Width) -> tuple[list[Tensor], int]:
    """The prediction of every row in its order, [channels, height, width] float32 each; and the forwards.

    Rows of one kind share forwards, whichever lanes they come from.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.kind, []).append(index)
    answers: dict[int, Tensor] = {}
    forwards = 0
    for indices in groups.values():
        alike = [rows[index] for index in indices]
        done = 0
        for part in width.parts(alike):
            predicted = network.predict(width.filled(part))
            forwards += 1
            for offset in range(len(part)):
                answers[indices[done + offset]] = predicted[offset]
            done += len(part)
    return [answers[index] for index in range(len(rows))], forwards
