"""Sums over each picture of a batch by itself: no picture changes another one of its batch."""

from negspace.guidance.tensor import Tensor


def dot(first: Tensor, second: Tensor) -> Tensor:
    """[batch, 1, 1, 1], the inner product of each picture of `first` with that of `second`."""
    return (first * second).flatten(1).sum(1).reshape(-1, *[1] * (first.ndim - 1))


def norm(x: Tensor) -> Tensor:
    """[batch, 1, 1, 1], the Euclidean length of each picture."""
    return dot(x, x).sqrt()


def over(numerator: Tensor, denominator: Tensor) -> Tensor:
    """The quotient, and 0 where the denominator is 0."""
    zero = denominator == 0
    return (numerator / denominator.masked_fill(zero, 1)).masked_fill(zero, 0)


def cap(x: Tensor, most: Tensor | float) -> Tensor:
    """x, each picture scaled to a length of at most `most`, [batch, 1, 1, 1] or a number."""
    length = norm(x)
    return x * over(length.clamp(max=most), length)
