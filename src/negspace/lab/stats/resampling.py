"""A measured number on paired seeds: sign flips and the bootstrap, with the prompt as the unit.

Pictures of one prompt are alike. Treating them as independent makes standard errors two to three times too
small (Miller 2024, arXiv 2411.00640), so whole prompts are flipped and drawn.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap, permutation_test

from negspace.errors import LabError
from negspace.lab.stats import checks


@final
@dataclass(frozen=True)
class SignFlip:
    """Attributes:
    effect: mean difference over all pictures.
    p: two-sided p-value of "the differences of a prompt are as likely with the other sign".
    exact: whether every pattern of signs was counted, or a random part of them.
    prompts: how many units were flipped.
    """

    effect: float
    p: float
    exact: bool
    prompts: int


@final
@dataclass(frozen=True)
class Bootstrap:
    """Attributes:
    effect: mean difference over all pictures.
    interval: bias-corrected and accelerated interval of it.
    prompts: how many units were drawn from.
    """

    effect: float
    interval: tuple[float, float]
    prompts: int


def sign_flip(
    differences: ArrayLike, prompts: ArrayLike | None = None, *, flips: int = 9999, seed: int = 0
) -> SignFlip:
    """Sign-flip permutation test of the mean (Fisher 1935), the signs of a prompt flipped together.

    Exact where 2^prompts <= flips. The smallest possible p is 2^(1 - prompts): six prompts can just reach
    0.05.

    Args:
        differences: with minus without, a number for each pair.
        prompts: which prompt each pair belongs to; None where every pair has its own.
        flips: patterns of signs to draw where not all are counted.

    Raises:
        LabError: numbers are missing, not finite or of different lengths, or there is only one prompt.
    """
    sums, sizes = checks.clusters(differences, prompts, least=2)
    checks.positive("flips", flips)
    whole = sizes.sum()

    def mean(units: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return units.sum(axis=axis) / whole

    tested = permutation_test(
        (sums,), mean, permutation_type="samples", vectorized=True, n_resamples=flips, rng=seed
    )
    return SignFlip(float(sums.sum() / whole), float(tested.pvalue), bool(2.0**sums.size <= flips), sums.size)


def cluster_bootstrap(
    differences: ArrayLike,
    prompts: ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    draws: int = 9999,
    seed: int = 0,
) -> Bootstrap:
    """BCa interval (Efron 1987) of the mean difference, whole prompts drawn with replacement.

    With fewer than about 20 prompts the interval is too narrow. Where every prompt shows the same mean (an
    A/A arm), it is that point.

    Args:
        differences, prompts: as in `sign_flip`.
        draws: how many times prompts are drawn.

    Raises:
        LabError: numbers are missing, not finite or of different lengths, there are fewer than three prompts,
            or the confidence is no share.
    """
    sums, sizes = checks.clusters(differences, prompts, least=3)
    checks.share("confidence", confidence)
    checks.positive("draws", draws)
    effect = float(sums.sum() / sizes.sum())
    if np.ptp(sums / sizes) == 0:
        return Bootstrap(effect, (effect, effect), sums.size)

    def mean(sums: NDArray[np.float64], sizes: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return sums.sum(axis=axis) / sizes.sum(axis=axis)

    drawn = bootstrap(
        (sums, sizes),
        mean,
        paired=True,
        vectorized=True,
        n_resamples=draws,
        confidence_level=confidence,
        method="BCa",
        batch=max(1, 1_000_000 // sums.size),  # memory: a million numbers at once
        rng=seed,
    )
    low, high = drawn.confidence_interval
    if not (np.isfinite(low) and np.isfinite(high)):
        raise LabError(f"bootstrap: {sums.size} prompts are too alike for an interval; add prompts")
    return Bootstrap(effect, (float(low), float(high)), sums.size)
