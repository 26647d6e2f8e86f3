"""A thing that is there or not, on paired seeds: McNemar's exact test and the score interval."""

import math
from dataclasses import dataclass
from typing import final

from scipy.optimize import root_scalar
from scipy.stats import binomtest, norm

from negspace.lab.stats import checks


@final
@dataclass(frozen=True)
class McNemar:
    """What pairs of a fixed number show.

    Attributes:
        helped, harmed, pairs: pairs that lost the unwanted thing, that gained it, and all of them.
        p: exact two-sided p-value of "helped and harmed are equally likely".
        effect: (helped - harmed) / pairs, the net share of pictures that were saved.
        interval: score interval of the effect.
        harm: harmed / pairs, told apart because a good net effect can hide it.
        harm_interval: exact (Clopper-Pearson) interval of the harm.
    """

    helped: int
    harmed: int
    pairs: int
    p: float
    effect: float
    interval: tuple[float, float]
    harm: float
    harm_interval: tuple[float, float]


def mcnemar_p(helped: int, harmed: int) -> float:
    """min(1, 2 P(X <= min(helped, harmed))), X ~ Bin(helped + harmed, 1/2): McNemar 1947, exact."""
    decided = helped + harmed
    return float(binomtest(helped, decided).pvalue) if decided else 1.0


def mcnemar(helped: int, harmed: int, pairs: int, *, confidence: float = 0.95) -> McNemar:
    """McNemar's exact test (`mcnemar_p`) and intervals.

    For a number of pairs fixed before the start. Whoever looks in between uses a `Trial`.

    Raises:
        LabError: the counts do not fit, no pair was seen, or the confidence is no share.
    """
    checks.counts(helped, harmed, pairs)
    checks.positive("pairs", pairs)
    checks.share("confidence", confidence)
    harms = binomtest(harmed, pairs).proportion_ci(confidence, method="exact")
    return McNemar(
        helped,
        harmed,
        pairs,
        p=mcnemar_p(helped, harmed),
        effect=(helped - harmed) / pairs,
        interval=score_interval(helped, harmed, pairs, confidence=confidence),
        harm=harmed / pairs,
        harm_interval=(float(harms.low), float(harms.high)),
    )


def score_z(helped: int, harmed: int, pairs: int, effect: float) -> float:
    """Score statistic of "the net share is `effect`" (Tango 1998, Stat. Med. 17:891), about N(0, 1).

    (helped - harmed - n d) / sqrt(n (2 q + d (1 - d))), where q is the likeliest share of harmed pairs at net
    share d: the larger root of 2n q^2 + (2n d - helped - harmed - d (helped - harmed)) q = harmed d (1 - d).
    0 / 0 (nothing decided, effect 0) is 0.

    Args:
        effect: net share to test, -1 < effect < 1.
    """
    a = 2 * pairs
    b = -helped - harmed + (2 * pairs - helped + harmed) * effect
    c = -harmed * effect * (1 - effect)
    # Rounding may push the discriminant or the root just below 0.
    q = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    spread = math.sqrt(max(pairs * (2 * q + effect * (1 - effect)), 0.0))
    away = helped - harmed - pairs * effect
    if spread == 0:
        return 0.0 if away == 0 else math.copysign(math.inf, away)
    return away / spread


def score_interval(helped: int, harmed: int, pairs: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """The net shares that `score_z` does not reject. Has a width even where nothing was decided.

    Raises:
        LabError: the counts do not fit, no pair was seen, or the confidence is no share.
    """
    checks.counts(helped, harmed, pairs)
    checks.positive("pairs", pairs)
    checks.share("confidence", confidence)
    z = float(norm.ppf((1 + confidence) / 2))
    effect = (helped - harmed) / pairs
    edge = 1 - 1e-12

    def bound(side: int) -> float:
        """Where the statistic reaches side * z, between the effect and the end of the scale on that side."""
        end = -side * edge
        inner = min(max(effect, -edge), edge)

        def excess(d: float) -> float:
            return side * score_z(helped, harmed, pairs, d) - z

        if side * (end - inner) >= 0 or excess(end) <= 0:
            return math.copysign(1.0, end)
        return float(root_scalar(excess, bracket=(inner, end), xtol=1e-12).root)

    return bound(1), bound(-1)
