"""Tests of pairs, resampling, equivalence, sizes and variety: cases by hand, laws and closed forms."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import xlogy
from scipy.stats import binom

from negspace.errors import LabError
from negspace.lab.stats import (
    cluster_bootstrap,
    equivalent_means,
    equivalent_shares,
    least_mean_pairs,
    mcnemar,
    mcnemar_power,
    mean_similarity,
    pairs_for_mcnemar,
    pairs_to_exclude,
    prompts_for_mean,
    score_interval,
    score_z,
    sign_flip,
    vendi,
)

# McNemar and the score interval


def test_mcnemar_by_hand() -> None:
    """2 (C(10,0) + C(10,1)) / 2^10 = 22 / 1024."""
    seen = mcnemar(9, 1, 40)
    assert seen.p == pytest.approx(22 / 1024)
    assert (seen.effect, seen.harm) == (0.2, 0.025)
    assert seen.interval[0] < 0.2 < seen.interval[1]
    assert seen.harm_interval == pytest.approx((0.000633, 0.131586), abs=1e-6)


def test_mcnemar_without_a_decided_pair() -> None:
    """Nothing is shown, and the upper bound of the harm is that of 0 of 30: 1 - 0.025^(1/30)."""
    seen = mcnemar(0, 0, 30)
    assert (seen.p, seen.effect) == (1.0, 0.0)
    assert seen.harm_interval == pytest.approx((0.0, 1 - 0.025 ** (1 / 30)))
    assert seen.interval[0] == pytest.approx(-seen.interval[1])
    # score_z^2 = n d^2 / (|d| (1 - |d|)) = z^2, so |d| = z^2 / (n + z^2)
    assert seen.interval[1] == pytest.approx(1.959964**2 / (30 + 1.959964**2), abs=1e-6)


def test_harm_is_told_where_the_net_effect_hides_it() -> None:
    seen = mcnemar(30, 10, 100)
    assert seen.p < 0.01 and seen.effect == 0.2
    assert seen.harm_interval[0] > 0.04


@pytest.mark.parametrize(("helped", "harmed", "pairs"), [(12, 3, 50), (0, 4, 20), (7, 0, 9), (0, 0, 5)])
@pytest.mark.parametrize("effect", [-0.5, -0.1, 0.2, 0.6])
def test_the_score_statistic_uses_the_likeliest_share_of_harm(
    helped: int, harmed: int, pairs: int, effect: float
) -> None:
    q = np.linspace(max(0.0, -effect), (1 - effect) / 2, 200_001)
    cells = ((helped, q + effect), (harmed, q), (pairs - helped - harmed, 1 - 2 * q - effect))
    surprise = -sum(xlogy(count, np.maximum(chance, 0)) for count, chance in cells)
    likeliest = float(q[np.argmin(surprise)])
    variance = pairs * (2 * likeliest + effect - effect**2)
    assert score_z(helped, harmed, pairs, effect) == pytest.approx(
        (helped - harmed - pairs * effect) / math.sqrt(variance), rel=1e-3
    )


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 60))
def test_the_score_interval_holds_the_effect_and_turns_with_the_sides(
    helped: int, harmed: int, rest: int
) -> None:
    pairs = helped + harmed + rest + 1
    low, high = score_interval(helped, harmed, pairs)
    assert -1 <= low <= (helped - harmed) / pairs <= high <= 1
    assert high - low > 0
    assert score_interval(harmed, helped, pairs) == pytest.approx((-high, -low), abs=1e-9)
    wider = score_interval(helped, harmed, pairs, confidence=0.99)
    assert wider[0] <= low and high <= wider[1]


def test_the_score_interval_covers() -> None:
    """Over all 861 tables of 40 pairs, weighted by their chances at 0.25 and 0.1."""
    covered = 0.0
    for helped in range(41):
        for harmed in range(41 - helped):
            chance = binom.pmf(helped, 40, 0.25) * binom.pmf(harmed, 40 - helped, 0.1 / 0.75)
            if chance > 1e-6:
                low, high = score_interval(helped, harmed, 40)
                covered += chance * (low <= 0.15 <= high)
    assert 0.94 < covered < 0.965


# Sign flips and the bootstrap


def test_sign_flips_by_hand() -> None:
    """Of the 2^4 patterns of 1, 2, 3, 4 only all plus and all minus are as far out."""
    flipped = sign_flip([1.0, 2.0, 3.0, 4.0])
    assert flipped.exact and flipped.prompts == 4
    assert (flipped.effect, flipped.p) == (2.5, pytest.approx(2 / 16))


def test_signs_of_one_prompt_are_flipped_together() -> None:
    """Sums 4, 3, 3 with all signs equal: p = 2/8, however many pictures stand behind them."""
    flipped = sign_flip([1, 3, 1, 2, 3, 0], ["a", "a", "b", "b", "c", "c"])
    assert (flipped.prompts, flipped.p, flipped.effect) == (3, pytest.approx(0.25), pytest.approx(10 / 6))


def test_sign_flips_are_repeatable_and_calibrated() -> None:
    draw = np.random.default_rng(1)
    differences = draw.normal(size=30)
    assert sign_flip(differences, flips=500, seed=4) == sign_flip(differences, flips=500, seed=4)
    assert not sign_flip(differences, flips=500).exact
    # Ten prompts of four like pictures: the clustered test keeps its level where the plain one does not.
    prompts = np.repeat(np.arange(10), 4)
    rejected = np.zeros(2)
    for _ in range(150):
        noise = np.repeat(draw.normal(size=10), 4) + 0.1 * draw.normal(size=40)
        rejected += [sign_flip(noise, prompts, flips=199).p <= 0.05, sign_flip(noise, flips=199).p <= 0.05]
    assert rejected[0] <= 17 < 40 <= rejected[1]


def test_the_cluster_bootstrap_sees_that_pictures_of_a_prompt_are_alike() -> None:
    draw = np.random.default_rng(2)
    prompts = np.repeat(np.arange(25), 8)
    differences = np.repeat(draw.normal(0.3, 1, size=25), 8) + 0.2 * draw.normal(size=200)
    whole = cluster_bootstrap(differences, prompts, draws=2000)
    plain = cluster_bootstrap(differences, draws=2000)
    assert (whole.effect, plain.effect) == pytest.approx((differences.mean(), differences.mean()))
    width = whole.interval[1] - whole.interval[0]
    assert 2 < width / (plain.interval[1] - plain.interval[0]) < 3.2
    # The normal interval of 25 independent means.
    means = differences.reshape(25, 8).mean(axis=1)
    assert width == pytest.approx(2 * 1.96 * means.std(ddof=1) / 5, rel=0.15)
    assert cluster_bootstrap(differences, prompts, draws=2000) == whole


def test_prompts_weigh_by_their_pictures() -> None:
    drawn = cluster_bootstrap([1, 1, 1, 5, 2], ["a", "a", "a", "b", "c"], draws=500)
    assert drawn.effect == 2.0 and drawn.prompts == 3


def test_an_arm_against_itself_is_exactly_zero() -> None:
    drawn = cluster_bootstrap(np.zeros(12), np.repeat([0, 1, 2], 4))
    assert (drawn.effect, drawn.interval) == (0.0, (0.0, 0.0))
    assert sign_flip(np.zeros(5)).p == 1.0


# Equivalence


def test_equal_shares_by_hand() -> None:
    """Without a decided pair the statistic at -d is sqrt(n d / (1 - d)): n = 25, d = 0.1 gives 1.6667."""
    alike = equivalent_shares(0, 0, 25, margin=0.1)
    assert alike.p == pytest.approx(0.0478, abs=1e-4)
    assert equivalent_shares(20, 0, 100, margin=0.1).p > 0.95
    assert equivalent_shares(20, 20, 1000, margin=0.05).p < 0.001


def test_equal_shares_are_rarely_claimed_at_the_margin() -> None:
    """At a net share of exactly 0.1, over all tables of 60 pairs."""
    claimed = 0.0
    for helped in range(61):
        for harmed in range(61 - helped):
            chance = binom.pmf(helped, 60, 0.15) * binom.pmf(harmed, 60 - helped, 0.05 / 0.85)
            if chance > 1e-6 and equivalent_shares(helped, harmed, 60, margin=0.1).p <= 0.05:
                claimed += chance
    assert claimed <= 0.06


def test_equal_means() -> None:
    """Prompt means -1, 0, 1: t = 3 / (1 / sqrt 3) with two degrees of freedom on both sides."""
    alike = equivalent_means([-1, -1, 0, 1, 1, 1], ["a", "a", "b", "c", "c", "c"], margin=3)
    t = 3 * math.sqrt(3)
    assert alike.p == pytest.approx(0.5 - t / (2 * math.sqrt(2 + t * t)))  # Student's t with 2 degrees
    assert alike.effect == 0
    assert equivalent_means([0.0, 0.0, 0.0], margin=0.1).p == 0
    assert equivalent_means([1.0, 1.0, 1.0], margin=0.5).p == 1


# Sizes


def test_power_by_hand() -> None:
    """Six decided pairs reject only at 6 : 0 (p = 2/64); five never do."""
    assert mcnemar_power(6, 0.8, 1.0) == pytest.approx(0.8**6)
    assert mcnemar_power(5, 0.8, 1.0) == 0.0
    # Seven pairs, half decided: six decided at 6 : 0, seven at 7 : 0 (p = 1/64; 6 : 1 has 1/8).
    assert mcnemar_power(7, 0.9, 0.5) == pytest.approx((7 * 0.9**6 + 0.9**7) / 2**7)


def test_power_agrees_with_the_test_itself() -> None:
    drawn = np.random.default_rng(8).multinomial(60, (0.32, 0.08, 0.6), size=2000)
    cells, times = np.unique(drawn, axis=0, return_counts=True)
    hits = [mcnemar(int(b), int(c), 60).p <= 0.05 and b > c for b, c, _ in cells]
    share = float(np.average(hits, weights=times))
    assert share == pytest.approx(mcnemar_power(60, 0.8, 0.4), abs=0.03)


@pytest.mark.parametrize(
    ("win_rate", "discordance", "power"), [(0.8, 0.3, 0.95), (0.7, 0.5, 0.8), (1.0, 0.1, 0.9)]
)
def test_the_smallest_number_of_pairs(win_rate: float, discordance: float, power: float) -> None:
    pairs = pairs_for_mcnemar(win_rate, discordance, power=power)
    assert mcnemar_power(pairs, win_rate, discordance) >= power
    assert all(mcnemar_power(fewer, win_rate, discordance) < power for fewer in range(1, pairs))


def test_no_test_needs_fewer_than_its_information() -> None:
    """At a win rate of 1 a decided pair has ln 2: ln 40 / ln 2 decided pairs at power near 1."""
    least = least_mean_pairs(1.0, 0.5, power=1 - 1e-12)
    assert least == pytest.approx(math.log(40) / math.log(2) / 0.5, rel=1e-6)
    assert least_mean_pairs(0.8, 0.3, power=0.95) < pairs_for_mcnemar(0.8, 0.3, power=0.95)


def test_other_sizes_by_hand() -> None:
    assert pairs_to_exclude(0.1) == 29  # 0.9^28 = 0.0523, 0.9^29 = 0.0471
    assert pairs_to_exclude(0.01) == 299
    # (1.959964 + 0.841621)^2 (0.2^2 + 0.4^2 / 4) / 0.1^2 = 62.79
    assert prompts_for_mean(0.1, 0.2, 0.4, pictures=4) == 63


# Variety


def test_variety_by_hand() -> None:
    alike, apart = np.ones((5, 3)), np.eye(5)
    assert vendi(alike) == pytest.approx(1) and mean_similarity(alike) == pytest.approx(1)
    assert vendi(apart) == pytest.approx(5) and mean_similarity(apart) == pytest.approx(0)
    # Two kinds, three and one: eigenvalues 3/4 and 1/4.
    kinds = [[2, 0], [1, 0], [7, 0], [0, 3]]
    assert vendi(kinds) == pytest.approx(math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25)))
    assert vendi(kinds, order=2) == pytest.approx(1 / (0.75**2 + 0.25**2))
    assert vendi(kinds, order=0) == pytest.approx(2)
    assert vendi(kinds, order=math.inf) == pytest.approx(4 / 3)
    assert mean_similarity(kinds) == pytest.approx(3 / 6)
    # Two at 60 degrees: eigenvalues 3/4 and 1/4 again.
    assert vendi([[1, 0], [0.5, math.sqrt(3) / 2]]) == pytest.approx(vendi(kinds))


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 1000))
def test_variety_lies_between_one_and_all_and_knows_no_order(count: int, width: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    features = draw.normal(size=(count, width)) + 0.01
    score = vendi(features)
    assert 1 - 1e-9 <= score <= min(count, width) + 1e-9
    assert vendi(3 * draw.permutation(features)) == pytest.approx(score)
    assert vendi(np.vstack((features, features))) == pytest.approx(score)


# What is wrong is said


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mcnemar(3, 3, 5), "do not fit"),
        (lambda: mcnemar(0, 0, 0), "pairs: 0"),
        (lambda: mcnemar(1, 1, 3, confidence=95), "confidence: 95"),
        (lambda: sign_flip([1.0, math.nan]), "number 1 is not finite"),
        (lambda: sign_flip([1.0, 2.0], ["a"]), "one for each of the 2"),
        (lambda: sign_flip([1.0, 2.0], ["a", "a"]), "1 given, at least 2"),
        (lambda: sign_flip([[1.0]]), "one row"),
        (lambda: cluster_bootstrap([1.0, 2.0]), "at least 3"),
        (lambda: equivalent_means([1.0, 2.0], margin=0), "margin: 0"),
        (lambda: equivalent_shares(1, 1, 4, margin=1.5), "margin: 1.5"),
        (lambda: pairs_for_mcnemar(0.5, 0.3), "win rate: 0.5"),
        (lambda: pairs_for_mcnemar(0.8, 0.0), "discordance: 0"),
        (lambda: pairs_for_mcnemar(0.8, 0.3, power=1.0), "power: 1"),
        (lambda: prompts_for_mean(0, 1, 1), "effect: 0"),
        (lambda: prompts_for_mean(1, -1, 1), "spread: -1"),
        (lambda: pairs_to_exclude(0), "share: 0"),
        (lambda: vendi([1.0, 2.0]), "shape"),
        (lambda: vendi([[0.0, 0.0]]), "zero or not finite"),
        (lambda: vendi([[1.0]], order=-1), "order -1"),
        (lambda: mean_similarity([[1.0]]), "2 or more"),
    ],
)
def test_bad_numbers_are_told(call: Callable[[], object], message: str) -> None:
    with pytest.raises(LabError, match=message):
        call()
