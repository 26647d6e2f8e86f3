"""An attention small enough to follow by hand, with the parts of diffusers' module that processors use."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Projection = Callable[[Tensor], Tensor]


def same(x: Tensor) -> Tensor:
    return x


@dataclass
class TinyAttention:
    """Projections are functions; one head unless told otherwise."""

    to_q: Projection = same
    to_k: Projection = same
    to_v: Projection = same
    heads: int = 1
    to_out: tuple[Projection, Projection] = (same, same)
