"""Evidence that may be looked at after every picture: e-processes on pairs, their interval, and e-BH.

An e-process is the fortune of a gambler who starts with 1 and bets on the next pair. If what he bets against
is true he cannot expect to gain, and by Ville's inequality (1939) his fortune ever reaches 1/alpha with a
chance of at most alpha, however often it is looked at and whenever it is stopped.

With d = 1 where a pair helped, -1 where it harmed and 0 else, a bet with stake k in [0, 1) against "the net
share is at most m" multiplies the fortune by 1 + k (d - m) / (1 + m) (Waudby-Smith and Ramdas 2024, JRSS B
86:1). At m = 0 only decided pairs count: stake k is the likelihood ratio of a coin with win rate (1 + k) / 2
to a fair one. The fortune is averaged over stakes, so it depends on the counts alone, not on the order of the
pairs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import root_scalar

from negspace.errors import LabError
from negspace.lab.stats import checks


@final
@dataclass(frozen=True)
class Bets:
    """A mixture of stakes.

    Attributes:
        stakes: shares of the fortune that are staked, each in [0, 1).
        weights: how much of the first fortune goes to each; they sum to 1.
    """

    stakes: tuple[float, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.stakes or len(self.stakes) != len(self.weights):
            raise LabError(f"bets: {len(self.stakes)} stakes and {len(self.weights)} weights do not fit")
        if not all(0 <= stake < 1 for stake in self.stakes):
            raise LabError("bets: a stake must be at least 0 and below 1")
        if not all(weight > 0 for weight in self.weights) or not math.isclose(sum(self.weights), 1):
            raise LabError("bets: weights must be above 0 and sum to 1")

    @classmethod
    def beta(cls, wins: float, losses: float, count: int = 32) -> Self:
        """Stakes for win rates spread like Beta(wins, losses) above 1/2, at `count` Gauss-Legendre points.

        The points are the mixture, not an approximation of one: the guarantee holds for any number of them.

        Raises:
            LabError: wins or losses is below 1.
        """
        if not (wins >= 1 and losses >= 1):
            raise LabError(f"bets: Beta({wins}, {losses}) needs wins and losses of at least 1")
        points, widths = np.polynomial.legendre.leggauss(count)
        stakes = (1 + points) / 2
        rates = (1 + stakes) / 2
        weights = widths * rates ** (wins - 1) * (1 - rates) ** (losses - 1)
        return cls(tuple(stakes.tolist()), tuple((weights / weights.sum()).tolist()))


# Of the Beta mixtures tried (docs/statistics.md), the one that is near the best single bet at a win rate of
# 0.8 and still better than a flat one at 0.6.
BETS = Bets.beta(7, 3)


def log_evidence(
    helped: ArrayLike, harmed: ArrayLike, pairs: ArrayLike, *, beyond: float = 0.0, bets: Bets = BETS
) -> NDArray[np.float64]:
    """Natural logarithm of the e-process against "the net share is at most `beyond`".

    Swap `helped` and `harmed` for the other direction: `log_evidence(harmed, helped, pairs, beyond=-m)` is
    evidence that the net share is below m.

    Args:
        helped, harmed, pairs: counts, or arrays of them; the result has the shape that they broadcast to.
        beyond: the net share m, -1 < m < 1.

    Raises:
        LabError: `beyond` is out of range.
    """
    if not -1 < beyond < 1:
        raise LabError(f"beyond: {beyond} must lie between -1 and 1")
    start, *gains = _gains(bets, beyond)
    won, lost, seen = (np.asarray(count, dtype=float)[..., None] for count in (helped, harmed, pairs))
    logs = start + won * gains[0] + lost * gains[1] + (seen - won - lost) * gains[2]
    top = logs.max(axis=-1, keepdims=True)
    return top[..., 0] + np.log(np.exp(logs - top).sum(axis=-1))


@lru_cache(maxsize=256)
def _gains(bets: Bets, beyond: float) -> tuple[NDArray[np.float64], ...]:
    """For each stake: log of its weight, and of the factor for a pair that helped, harmed and did neither."""
    stakes = np.array(bets.stakes)
    return (
        np.log(bets.weights),
        np.log1p(stakes * (1 - beyond) / (1 + beyond)),
        np.log1p(-stakes),
        np.log1p(-stakes * beyond / (1 + beyond)),
    )


def net_interval(
    helped: int, harmed: int, pairs: int, *, alpha: float = 0.05, bets: Bets = BETS
) -> tuple[float, float]:
    """Confidence sequence of the net share: with chance 1 - alpha it holds the truth at all looks at once.

    The shares against which neither direction has evidence of 2/alpha. It lies above 0 exactly where the
    evidence that the pairs help reaches 2/alpha.

    Raises:
        LabError: the counts do not fit or alpha is no share.
    """
    checks.counts(helped, harmed, pairs)
    checks.share("alpha", alpha)
    enough = math.log(2 / alpha)

    def lower(won: int, lost: int) -> float:
        def excess(share: float) -> float:
            return float(log_evidence(won, lost, pairs, beyond=share, bets=bets)) - enough

        edge = 1 - 1e-9
        # Evidence falls as the share rises, and there is none against a share of 1.
        if excess(-edge) <= 0:
            return -1.0
        return float(root_scalar(excess, bracket=(-edge, edge), xtol=1e-12).root)

    return lower(helped, harmed), -lower(harmed, helped)


def e_bh(log_evidences: Sequence[float], *, alpha: float = 0.05) -> tuple[bool, ...]:
    """Which of several hypotheses to reject so that a share of at most alpha of them is rejected wrongly.

    Each is given by the natural logarithm of its e-value.
    Of K e-values the k largest are kept for the largest k whose smallest is K / (alpha k) or more (Wang and
    Ramdas 2022, JRSS B 84:822). It holds under any dependence, such as seeds that all terms share, and after
    looking at any time; the Benjamini-Hochberg procedure on p-values holds under neither.

    Raises:
        LabError: alpha is no share, or an e-value is not a number.
    """
    checks.share("alpha", alpha)
    if any(math.isnan(value) for value in log_evidences):
        raise LabError("e-BH: an e-value is not a number")
    count = len(log_evidences)
    order = sorted(range(count), key=lambda place: -log_evidences[place])
    enough = [log_evidences[place] >= math.log(count / (alpha * rank)) for rank, place in enumerate(order, 1)]
    best = order[: max((rank for rank, reached in enumerate(enough, 1) if reached), default=0)]
    return tuple(place in best for place in range(count))
