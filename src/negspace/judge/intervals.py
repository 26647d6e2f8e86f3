"""The interval of a share that was counted."""

from negspace.judge.packages import needed


def jeffreys(hits: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """(low, high) of a share: quantiles of Beta(hits + 1/2, count - hits + 1/2); 0 and 1 at the ends.

    Brown, Cai, DasGupta, Interval estimation for a binomial proportion (2001), section 3.3.

    Raises:
        JudgeError: scipy is not installed.
    """
    beta = needed("scipy.stats", "calibration", "'negspace[judges]'").beta(hits + 0.5, count - hits + 0.5)
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail))
    high = 1.0 if hits == count else float(beta.ppf(1 - tail))
    return low, high
