"""A guided step in three parts: towards the prompt, away from what is avoided, and the rest."""

from dataclasses import dataclass

from negspace.guidance.shared.sums import dot, over
from negspace.guidance.tensor import Tensor

_PARALLEL = 1e-8
"""Square of the sine below which two directions count as the same."""


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of a guided step d - d_u.

    Attributes:
        towards: [batch], omega_pos, its multiple of d_c - d_u; plain guidance at scale w has w.
        away: [batch], omega_neg, its multiple of d_n - d_u with the sign reversed; cfg has w - 1.
        rest: [batch], the share of its length that lies in neither direction, 0 to 1.
    """

    towards: Tensor
    away: Tensor
    rest: Tensor


def decompose(guided: Tensor, positive: Tensor, empty: Tensor, negative: Tensor | None = None) -> Parts:
    """omega_pos, omega_neg: omega_pos (d_c - d_u) - omega_neg (d_n - d_u) is nearest to d - d_u.

    GA-Eval, arXiv 2602.22570, with a second direction besides the positive one. Least squares, each picture
    by itself, the same in every space. A direction of length 0 has strength 0; where both are the same
    direction, up to an angle of 1e-4, everything counts as towards, as in the paper.

    Args:
        guided, positive, empty, negative: predictions in one space, [batch, channels, height, width] each;
            without a negative, `away` is 0.
    """
    step, p = guided - empty, positive - empty
    n = empty - empty if negative is None else negative - empty
    pp, nn = dot(p, p), dot(n, n)
    shared = over(dot(n, p), pp)
    square = n - shared * p
    size = dot(square, square)
    size = size.masked_fill(size <= _PARALLEL * nn, 0)
    away = -over(dot(step, square), size)
    towards = over(dot(step, p), pp) + away * shared
    rest = step - towards * p + away * n
    left = over(dot(rest, rest), dot(step, step)).sqrt().clamp(max=1)
    return Parts(towards.flatten(), away.flatten(), left.flatten())
