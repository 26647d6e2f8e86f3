"""What every method asks of its numbers: each check raises a LabError of one line where they are not so."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negspace.errors import LabError


def counts(helped: int, harmed: int, pairs: int) -> None:
    """Counts of pairs: none is negative, and no more were decided than seen."""
    if min(helped, harmed, pairs) < 0 or helped + harmed > pairs:
        raise LabError(
            f"{helped} helped and {harmed} harmed of {pairs} pairs do not fit: "
            "counts are 0 or more, and helped + harmed is at most pairs"
        )


def share(name: str, value: float) -> None:
    """A number strictly between 0 and 1."""
    if not 0 < value < 1:
        raise LabError(f"{name}: {value} must lie between 0 and 1")


def positive(name: str, value: float) -> None:
    """A finite number above 0."""
    if not (math.isfinite(value) and value > 0):
        raise LabError(f"{name}: {value} must be a finite number above 0")


def rates(win_rate: float, discordance: float) -> None:
    """A win rate above 1/2 and a share of decided pairs above 0."""
    if not 0.5 < win_rate <= 1:
        raise LabError(f"win rate: {win_rate} must be above 1/2 and at most 1; below 1/2 swap the two sides")
    if not 0 < discordance <= 1:
        raise LabError(f"discordance: {discordance} must be above 0 and at most 1")


def numbers(name: str, values: ArrayLike, least: int = 1) -> NDArray[np.float64]:
    """One row of finite numbers, `least` or more of them."""
    row = np.asarray(values, dtype=float)
    if row.ndim != 1 or row.size < least:
        raise LabError(f"{name}: one row of at least {least} numbers is needed, given: shape {row.shape}")
    if not np.isfinite(row).all():
        raise LabError(f"{name}: number {int(np.argmin(np.isfinite(row)))} is not finite")
    return row


def clusters(
    differences: ArrayLike, prompts: ArrayLike | None, least: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and count of the differences of each prompt, in sorted order; each alone without prompts.

    `prompts` has the length of `differences`, and names `least` or more.
    """
    row = numbers("differences", differences)
    if prompts is None:
        sums, sizes = row, np.ones_like(row)
    else:
        names = np.asarray(prompts)
        if names.shape != row.shape:
            raise LabError(f"prompts: one for each of the {row.size} differences, given: shape {names.shape}")
        _, place = np.unique(names, return_inverse=True)
        sums = np.bincount(place, weights=row).astype(np.float64)
        sizes = np.bincount(place).astype(np.float64)
    if sums.size < least:
        raise LabError(f"prompts: {sums.size} given, at least {least} are needed")
    return sums, sizes
