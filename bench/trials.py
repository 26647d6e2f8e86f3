"""Whether sequential trials keep what they promise: `python -m bench.trials [--trials N] [--json FILE]`.

Trials are simulated pair by pair through `negspace.lab.Trial`, which is asked for its verdict after every
pair. A share s of the pairs is decided; of those a share w helps. Every pair is two pictures.

The fixed-size design beside them is McNemar's exact two-sided test at the same alpha on the smallest number
of pairs that has the same power; the number of decided pairs is random in it as it is in the trial, and
undecided pairs count in both. "The same power" is that of the trial, computed and not estimated
(`negspace.lab.forecast`). Above 99.9 % it counts as 99.9 %, which favours the fixed size. The comparison with
a fixed-size design of 95 % power, which finds less than the trial does, stands beside it, and so does the
least that any test with the trial's power can need on average.

About a minute and a half on one core. 1 where a promise is broken.
"""

import argparse
import json
import math
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binom, binomtest

from negspace.lab import Design, Trial, forecast
from negspace.lab.stats import least_mean_pairs, mcnemar_power, pairs_for_mcnemar

WIN_RATE = 0.8
DISCORDANCE = 0.3
TOP_POWER = 0.999
# Ends of the trial that give it less or more power at the promised alternative.
MOSTS = (100, 150, 200, 240, 300, 400)
# Alternatives beside the promised one, as (win rate, discordance).
OTHERS = ((0.8, 0.15), (0.8, 0.6), (0.7, 0.3), (0.9, 0.3), (1.0, 0.3))


@dataclass(frozen=True)
class Simulated:
    """What so many trials did, with 95 % intervals.

    Attributes:
        win_rate, discordance, trials: of the simulation.
        helps, harms, futile, spent: how many ended so.
        found: interval of the chance of "helps"; wrong: of "helps" or "harms".
        pairs: mean pairs a trial, and its interval.
    """

    win_rate: float
    discordance: float
    trials: int
    helps: int
    harms: int
    futile: int
    spent: int
    found: tuple[float, float]
    wrong: tuple[float, float]
    pairs: float
    pairs_interval: tuple[float, float]


def simulate(design: Design, win_rate: float, discordance: float, trials: int, seed: int = 0) -> Simulated:
    """Run trials to their end on pairs drawn at random, asking for a verdict after every pair."""
    ends: Counter[tuple[str, str]] = Counter()
    lengths: list[int] = []
    for draw in np.random.default_rng(seed).spawn(trials):
        decided = draw.random(design.most) < discordance
        wins = draw.random(design.most) < win_rate
        verdict = Trial(design=design).run(zip(decided & wins, decided & ~wins, strict=True)).verdict
        assert verdict is not None, "a trial ends with its last pair"
        ends[verdict.kind, verdict.reason] += 1
        lengths.append(verdict.pairs)
    helps, harms = ends["helps", "evidence"], ends["harms", "evidence"]
    half = 1.96 * float(np.std(lengths, ddof=1)) / math.sqrt(trials)
    mean = float(np.mean(lengths))
    return Simulated(
        win_rate,
        discordance,
        trials,
        helps,
        harms,
        ends["no_evidence", "futile"],
        ends["no_evidence", "spent"],
        exact_interval(helps, trials),
        exact_interval(helps + harms, trials),
        mean,
        (mean - half, mean + half),
    )


def exact_interval(count: int, of: int) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share, 95 %."""
    interval = binomtest(count, of).proportion_ci(method="exact")
    return float(interval.low), float(interval.high)


def peeked(design: Design, discordance: float, trials: int, seed: int = 0) -> float:
    """Share of trials without effect in which McNemar's p falls to alpha at some look: what peeking costs."""
    draw = np.random.default_rng(seed)
    decided = draw.random((trials, design.most)) < discordance
    helped = np.cumsum(decided & (draw.random((trials, design.most)) < 0.5), axis=1)
    total = np.cumsum(decided, axis=1)
    p = 2 * binom.cdf(np.minimum(helped, total - helped), total, 0.5)
    return float(((p <= design.alpha) & (total > 0)).any(axis=1).mean())


@dataclass(frozen=True)
class Comparison:
    """A trial against the fixed-size design.

    Attributes:
        most: pairs after which the trial ends.
        power: chance that the trial says "helps", computed.
        mean: pairs it makes on average, computed.
        fixed: pairs of the fixed-size design with that power; share: mean / fixed.
        fixed_95: pairs of the fixed-size design with 95 % power; share_95: mean / fixed_95.
        least: pairs that any test with the trial's power needs on average.
    """

    win_rate: float
    discordance: float
    most: int
    power: float
    mean: float
    fixed: int
    share: float
    fixed_95: int
    share_95: float
    least: float


def compare(design: Design, win_rate: float, discordance: float) -> Comparison:
    """The trial and the fixed-size design at one alternative."""
    computed = forecast(design, discordance * win_rate, discordance * (1 - win_rate))
    power = min(computed.helps, TOP_POWER)
    fixed = pairs_for_mcnemar(win_rate, discordance, power=power, alpha=design.alpha)
    fixed_95 = pairs_for_mcnemar(win_rate, discordance, power=0.95, alpha=design.alpha)
    least = least_mean_pairs(win_rate, discordance, power=power, alpha=design.alpha)
    return Comparison(
        win_rate,
        discordance,
        design.most,
        computed.helps,
        computed.mean,
        fixed,
        computed.mean / fixed,
        fixed_95,
        computed.mean / fixed_95,
        least,
    )


def span(pair: tuple[float, float], digits: int = 4) -> str:
    return f"[{pair[0]:.{digits}f}, {pair[1]:.{digits}f}]"


def main() -> int:
    """Prints the figures; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=2000, help="simulated trials of each kind")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    arguments = parser.parse_args()
    design = Design()
    print(f"alpha {design.alpha}, smallest {design.smallest}, at most {design.most} pairs; 95 % intervals")

    print("\nno effect: helps or harms said wrongly, looking after every pair")
    nothing = [simulate(design, 0.5, share, arguments.trials) for share in (0.1, DISCORDANCE, 0.6)]
    for row in nothing:
        computed = forecast(design, row.discordance / 2, row.discordance / 2)
        wrong = row.helps + row.harms
        print(
            f"  decided {row.discordance:.2f}: {wrong}/{row.trials} {span(row.wrong)}, "
            f"computed {computed.helps + computed.harms:.4f}; futile {row.futile}, spent {row.spent}, "
            f"mean {row.pairs:.1f} pairs; McNemar's p at every look: "
            f"{peeked(design, row.discordance, arguments.trials):.3f}"
        )

    print(f"\nwin rate {WIN_RATE} among decided pairs, {DISCORDANCE:.0%} of pairs decided")
    real = simulate(design, WIN_RATE, DISCORDANCE, arguments.trials, seed=1)
    print(f"  found {real.helps}/{real.trials} {span(real.found)}")
    print(f"  mean {real.pairs:.1f} pairs {span(real.pairs_interval, 1)}, {2 * real.pairs:.0f} pictures")
    first = compare(design, WIN_RATE, DISCORDANCE)
    for name, fixed in (("the same power", first.fixed), ("95 % power", first.fixed_95)):
        reached = mcnemar_power(fixed, WIN_RATE, DISCORDANCE, alpha=design.alpha)
        low, high = (bound / fixed for bound in real.pairs_interval)
        print(
            f"  fixed-size design, {name}: {fixed} pairs, power {reached:.4f}: "
            f"the trial makes {real.pairs / fixed:.1%} [{low:.1%}, {high:.1%}] of its pictures"
        )

    print("\ncomputed   wins  decided  most   power    mean   fixed  share  least share  at 95 %  share")
    rows = [compare(Design(most=most), WIN_RATE, DISCORDANCE) for most in MOSTS]
    rows += [compare(design, *other) for other in OTHERS]
    for row in rows:
        print(
            f"          {row.win_rate:5.2f} {row.discordance:8.2f} {row.most:5d} {row.power:7.4f} "
            f"{row.mean:7.1f} {row.fixed:7d} {row.share:6.1%} {row.least / row.fixed:12.1%} "
            f"{row.fixed_95:8d} {row.share_95:6.1%}"
        )

    if arguments.json:
        figures = {
            "nothing": [asdict(row) for row in nothing],
            "real": asdict(real),
            "compared": [asdict(row) for row in rows],
        }
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    kept = (
        all(row.helps + row.harms <= 0.05 * row.trials for row in nothing)
        and real.helps >= 0.95 * real.trials
        and real.pairs <= 0.4 * first.fixed
    )
    print("\nkept" if kept else "\nbroken")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
