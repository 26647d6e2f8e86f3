"""How varied a set of pictures is, from a feature vector for each."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negspace.errors import LabError


def vendi(features: ArrayLike, *, order: float = 1.0) -> float:
    """exp(-sum_i l_i ln l_i), l the eigenvalues of K / n, K the cosine similarities: the Vendi score.

    Friedman and Dieng 2023. The effective number of different pictures: 1 where all are alike, n where all
    are at right angles. It grows with n, so only sets of one size are compared. Other orders (Pasarkar and
    Dieng 2024) weigh rare kinds more (below 1) or less (above): (sum_i l_i^q)^(1/(1-q)), and 1 / max l_i for
    infinity.

    Args:
        features: shape (pictures, dimensions).
        order: q >= 0.

    Raises:
        LabError: there is no picture, a number is not finite, a vector is zero, or the order is negative.
    """
    unit = _unit(features, least=1)
    if math.isnan(order) or order < 0:
        raise LabError(f"vendi: the order {order} must be at least 0")
    # The eigenvalues of K / n are the squared singular values of the vectors, over n.
    shares = np.linalg.svd(unit, compute_uv=False) ** 2 / len(unit)
    shares = shares[shares > 1e-12 * shares.max()]
    if order == 1:
        return float(np.exp(-np.sum(shares * np.log(shares))))
    if math.isinf(order):
        return float(1 / shares.max())
    return float(np.sum(shares**order) ** (1 / (1 - order)))


def mean_similarity(features: ArrayLike) -> float:
    """Mean cosine of the angle between two different pictures: 1 where all are alike, lower is more varied.

    Args:
        features: shape (pictures, dimensions), two pictures or more.

    Raises:
        LabError: there are fewer than two pictures, a number is not finite, or a vector is zero.
    """
    unit = _unit(features, least=2)
    count = len(unit)
    together = unit.sum(axis=0)
    return float((together @ together - count) / (count * (count - 1)))


def _unit(features: ArrayLike, least: int) -> NDArray[np.float64]:
    """The vectors at length 1."""
    rows = np.asarray(features, dtype=float)
    if rows.ndim != 2 or len(rows) < least:
        raise LabError(f"features: shape (pictures, dimensions) with {least} or more, given: {rows.shape}")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise LabError("features: a vector is zero or not finite")
    return rows / lengths
