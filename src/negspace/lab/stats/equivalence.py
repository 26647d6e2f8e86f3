"""Showing that something makes no difference worth speaking of: two one-sided tests (Schuirmann 1987)."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, t

from negspace.lab.stats import checks
from negspace.lab.stats.paired import score_z


@final
@dataclass(frozen=True)
class Equivalence:
    """Attributes:
    effect: measured difference.
    margin: the difference that would matter.
    p: the larger p-value of "effect <= -margin" and "effect >= margin". Small means equivalent.
    """

    effect: float
    margin: float
    p: float


def equivalent_shares(helped: int, harmed: int, pairs: int, *, margin: float) -> Equivalence:
    """TOST of the net share (helped - harmed) / pairs with the score statistic of Tango 1998.

    It holds where nothing was decided at all: with margin 0.1, 25 such pairs give p < 0.05.

    Raises:
        LabError: the counts do not fit, no pair was seen, or the margin is no share.
    """
    checks.counts(helped, harmed, pairs)
    checks.positive("pairs", pairs)
    checks.share("margin", margin)
    above, below = score_z(helped, harmed, pairs, -margin), score_z(helped, harmed, pairs, margin)
    p = max(float(norm.sf(above)), float(norm.cdf(below)))
    return Equivalence((helped - harmed) / pairs, margin, p)


def equivalent_means(
    differences: ArrayLike, prompts: ArrayLike | None = None, *, margin: float
) -> Equivalence:
    """TOST of the mean of the prompts' mean differences with Student's t.

    Every prompt counts alike, however many pictures it has. Where all prompts show the same mean, p is 0
    inside the margin and 1 outside.

    Args:
        differences, prompts: as in `sign_flip`.
        margin: the difference that would matter, in the unit of the differences.

    Raises:
        LabError: numbers are missing, not finite or of different lengths, there is only one prompt, or the
            margin is not above 0.
    """
    sums, sizes = checks.clusters(differences, prompts, least=2)
    checks.positive("margin", margin)
    means = sums / sizes
    effect = float(means.mean())
    if np.ptp(means) == 0:
        return Equivalence(effect, margin, 0.0 if abs(effect) < margin else 1.0)
    spread, free = float(means.std(ddof=1)) / math.sqrt(means.size), means.size - 1
    above, below = t.sf((effect + margin) / spread, free), t.cdf((effect - margin) / spread, free)
    return Equivalence(effect, margin, float(max(above, below)))
