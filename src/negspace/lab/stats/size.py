"""How many pictures are needed, to be said before the start."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root_scalar
from scipy.special import rel_entr
from scipy.stats import binom, norm

from negspace.errors import LabError
from negspace.lab.stats import checks
from negspace.lab.stats.evidence import log_evidence


def mcnemar_power(pairs: int, win_rate: float, discordance: float, *, alpha: float = 0.05) -> float:
    """Chance that McNemar's exact two-sided test on so many pairs finds the effect, in the right direction.

    The number of decided pairs is itself random, Bin(pairs, discordance); the chance is taken over it.

    Args:
        pairs: pairs made, decided or not.
        win_rate: share of helped among decided pairs, above 1/2.
        discordance: share of decided pairs among all.

    Raises:
        LabError: a number is out of range.
    """
    checks.positive("pairs", pairs)
    checks.share("alpha", alpha)
    checks.rates(win_rate, discordance)
    return _power(pairs, discordance, _detection(pairs, win_rate, alpha))


def pairs_for_mcnemar(win_rate: float, discordance: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """The smallest fixed number of pairs with this power in McNemar's exact two-sided test.

    The power of an exact test rises in saw teeth: a somewhat larger number can have a little less.

    Raises:
        LabError: a number is out of range.
    """
    checks.share("alpha", alpha)
    checks.share("power", power)
    checks.rates(win_rate, discordance)
    z = max(float(norm.isf(alpha / 2) + norm.ppf(power)), 0.0)
    # The normal approximation with the smaller of the two variances is too few; half of it is surely too few.
    decided = z * z * 4 * win_rate * (1 - win_rate) / (2 * win_rate - 1) ** 2
    pairs = max(1, int(decided / discordance / 2))
    detection = _detection(4 * pairs, win_rate, alpha)
    while _power(pairs, discordance, detection) < power:
        pairs += 1
        if pairs >= detection.size:
            detection = _detection(2 * pairs, win_rate, alpha)
    return pairs


def least_mean_pairs(
    win_rate: float, discordance: float, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Pairs that any two-sided test needs on average to find this effect, however cleverly it stops.

    kl(power, alpha / 2) / (discordance kl(win_rate, 1/2)), with
    kl(p, q) = p ln(p / q) + (1 - p) ln((1 - p) / (1 - q)):
    Wald 1945, Annals of Mathematical Statistics 16:117; here by the data-processing inequality.

    Raises:
        LabError: a number is out of range.
    """
    checks.share("alpha", alpha)
    checks.share("power", power)
    checks.rates(win_rate, discordance)
    return _kl(power, alpha / 2) / (discordance * _kl(win_rate, 0.5))


def _kl(p: float, q: float) -> float:
    return float(rel_entr(p, q) + rel_entr(1 - p, 1 - q))


def _detection(most: int, win_rate: float, alpha: float) -> NDArray[np.float64]:
    """Power of the test given that 0, 1, ... `most` pairs were decided."""
    decided = np.arange(most + 1)
    # The most losses with which the test still rejects: P(X <= losses) <= alpha / 2 at a fair coin.
    losses = binom.ppf(alpha / 2, decided, 0.5)
    losses = np.where(binom.cdf(losses, decided, 0.5) > alpha / 2, losses - 1, losses)
    return binom.cdf(losses, decided, 1 - win_rate)


def _power(pairs: int, discordance: float, detection: NDArray[np.float64]) -> float:
    """Mean of `found` over the number of decided pairs, up to nine standard deviations off."""
    spread = 9 * math.sqrt(pairs * discordance * (1 - discordance)) + 9
    low = max(0, int(pairs * discordance - spread))
    high = min(pairs, int(pairs * discordance + spread))
    decided = np.arange(low, high + 1)
    return float(binom.pmf(decided, pairs, discordance) @ detection[low : high + 1])


def prompts_for_mean(
    effect: float,
    between: float,
    within: float,
    *,
    pictures: int = 1,
    power: float = 0.8,
    alpha: float = 0.05,
) -> int:
    """n = (z_(alpha/2) + z_power)^2 (between^2 + within^2 / pictures) / effect^2 (arXiv 2411.00640).

    A normal approximation, for continuous measures.

    Args:
        effect: the mean difference to be found.
        between: standard deviation of the prompts' true differences.
        within: standard deviation of the differences of one prompt over its seeds.
        pictures: pairs made for each prompt.

    Raises:
        LabError: a number is out of range.
    """
    if effect == 0 or not math.isfinite(effect):
        raise LabError(f"effect: {effect} must be a finite number other than 0")
    if not (between >= 0 and within >= 0 and math.isfinite(between + within)):
        raise LabError(f"spread: {between} and {within} must be finite and at least 0")
    checks.positive("pictures", pictures)
    checks.share("power", power)
    checks.share("alpha", alpha)
    z = float(norm.isf(alpha / 2) + norm.ppf(power))
    return max(2, math.ceil(z * z * (between**2 + within**2 / pictures) / effect**2))


def pairs_for_trial(helped: float, harmed: float, *, alpha: float = 0.05) -> int:
    """Pairs by which a trial finds an effect with a chance of about one half.

    The least n for which n pairs with the mean counts, n helped and n harmed, are evidence of 2/alpha.

    Args:
        helped, harmed: chances of a pair; more help than harm.

    Raises:
        LabError: the chances do not fit, or alpha is no share.
    """
    checks.share("alpha", alpha)
    if not (0 <= harmed < helped and helped + harmed <= 1):
        raise LabError(f"chances: {helped} must be above {harmed}, and both sum to at most 1")

    def missing(pairs: float) -> float:
        return math.log(2 / alpha) - float(log_evidence(helped * pairs, harmed * pairs, pairs))

    top = 1.0
    while missing(top) > 0:
        top *= 2
    return math.ceil(root_scalar(missing, bracket=(0, top), xtol=1e-3).root)


def pairs_to_exclude(share: float, *, confidence: float = 0.95) -> int:
    """How many pictures without a single case show that it is rarer than `share`.

    The least n with (1 - share)^n <= 1 - confidence. At 95 % about 3 / share, the rule of three.

    Raises:
        LabError: a number is out of range.
    """
    checks.share("share", share)
    checks.share("confidence", confidence)
    return math.ceil(math.log1p(-confidence) / math.log1p(-share))
