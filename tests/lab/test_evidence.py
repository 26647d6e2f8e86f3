"""Evidence that may be looked at at any time: laws, closed forms, and Ville's inequality."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc, betaln

from negspace.errors import LabError
from negspace.lab.stats import Bets, e_bh, log_evidence, net_interval

COUNTS = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200)).map(
    lambda cells: (cells[0], cells[1], sum(cells))
)
NETS = st.floats(-0.9, 0.9)


@settings(deadline=None)
@given(COUNTS, NETS, st.floats(0, 1))
def test_nobody_gains_by_betting_against_what_is_true(
    counts: tuple[int, int, int], net: float, rest: float
) -> None:
    """Where the net share is exactly m, the expected fortune after the next pair is the fortune now."""
    helped, harmed, pairs = counts
    # Chances of a pair with mean m: as few decided as can be, and `rest` of what is left split evenly.
    loose = rest * (1 - abs(net)) / 2
    up, down = max(net, 0) + loose, max(-net, 0) + loose
    now = log_evidence(helped, harmed, pairs, beyond=net)
    after = [
        log_evidence(helped + 1, harmed, pairs + 1, beyond=net),
        log_evidence(helped, harmed + 1, pairs + 1, beyond=net),
        log_evidence(helped, harmed, pairs + 1, beyond=net),
    ]
    expected = np.dot((up, down, 1 - up - down), np.exp(np.array(after) - now))
    assert expected == pytest.approx(1, rel=1e-9)


@settings(deadline=None)
@given(st.integers(0, 100), st.integers(0, 100), st.sampled_from([(1, 1), (7, 3), (2, 5)]))
def test_against_no_effect_it_is_the_coin_with_a_beta_above_one_half(
    helped: int, harmed: int, prior: tuple[int, int]
) -> None:
    """2^n B(a + b, c + d) I / (B(a, c) I'), the Beta mixture cut to win rates above 1/2."""
    wins, losses = prior
    total = helped + harmed

    def log_mass(a: int, b: int) -> float:
        """ln of the integral of x^(a-1) (1-x)^(b-1) from 1/2 to 1."""
        return float(betaln(a, b) + np.log(betainc(b, a, 0.5)))

    closed = total * math.log(2) + log_mass(wins + helped, losses + harmed) - log_mass(wins, losses)
    ours = log_evidence(helped, harmed, total + 5, bets=Bets.beta(wins, losses, count=64))
    assert float(ours) == pytest.approx(closed, abs=1e-6)


def test_one_stake_by_hand() -> None:
    """Stake 1/2 against a net share of 0.25: a help pays 1.3, a harm 0.5, neither 0.9."""
    half = Bets((0.5,), (1.0,))
    assert np.exp(log_evidence(2, 1, 6, beyond=0.25, bets=half)) == pytest.approx(1.3**2 * 0.5 * 0.9**3)
    assert np.exp(log_evidence(3, 1, 9, bets=half)) == pytest.approx(1.5**3 * 0.5)


@settings(deadline=None)
@given(COUNTS, NETS, NETS)
def test_evidence_falls_as_more_is_claimed(counts: tuple[int, int, int], a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert log_evidence(*counts, beyond=low) >= log_evidence(*counts, beyond=high) - 1e-9


def test_counts_may_be_arrays() -> None:
    helped, harmed = np.arange(5)[:, None], np.arange(4)[None, :]
    table = log_evidence(helped, harmed, helped + harmed)
    assert table.shape == (5, 4)
    assert table[3, 2] == pytest.approx(float(log_evidence(3, 2, 5)))


@settings(deadline=None)
@given(COUNTS.filter(lambda counts: counts[2] > 0))
def test_the_interval_holds_the_effect_and_agrees_with_the_evidence(counts: tuple[int, int, int]) -> None:
    helped, harmed, pairs = counts
    low, high = net_interval(*counts)
    assert -1 <= low <= (helped - harmed) / pairs <= high <= 1
    assert (low > 0) == (log_evidence(*counts) > math.log(40))
    assert net_interval(harmed, helped, pairs) == pytest.approx((-high, -low))


def test_the_interval_holds_the_truth_at_every_look_at_once() -> None:
    """400 courses of 150 pairs at a net share of 0.2: at most 5 % ever leave the interval."""
    draw = np.random.default_rng(3).random((400, 150))
    helped = np.cumsum(draw < 0.3, axis=1)
    harmed = np.cumsum(draw > 0.9, axis=1)
    pairs = np.arange(1, 151)
    # The interval leaves out 0.2 exactly where one direction has evidence of 40 against it.
    above = log_evidence(helped, harmed, pairs, beyond=0.2) >= math.log(40)
    below = log_evidence(harmed, helped, pairs, beyond=-0.2) >= math.log(40)
    assert 0 < (above | below).any(axis=1).mean() <= 0.05


@pytest.mark.parametrize(
    ("values", "rejected"),
    [
        ((100.0, 1.0, 1.0), (True, False, False)),  # 3 / 0.05 = 60
        ((59.0, 1.0, 1.0), (False, False, False)),
        ((31.0, 30.5, 1.0), (True, True, False)),  # two at 30
        ((21.0, 25.0, 22.0), (True, True, True)),  # three at 20, none at 60 or 30
        ((), ()),
    ],
)
def test_e_bh_by_hand(values: tuple[float, ...], rejected: tuple[bool, ...]) -> None:
    assert e_bh([math.log(value) for value in values], alpha=0.05) == rejected


def test_bad_numbers_are_told() -> None:
    with pytest.raises(LabError, match="beyond: 1"):
        log_evidence(1, 1, 2, beyond=1)
    with pytest.raises(LabError, match="do not fit"):
        net_interval(3, 3, 5)
    with pytest.raises(LabError, match="not a number"):
        e_bh([1.0, math.nan])
    with pytest.raises(LabError, match="alpha: 5"):
        e_bh([1.0], alpha=5)
    with pytest.raises(LabError, match="sum to 1"):
        Bets((0.5,), (0.5,))
    with pytest.raises(LabError, match="below 1"):
        Bets((1.0,), (1.0,))
    with pytest.raises(LabError, match="do not fit"):
        Bets((0.5,), (0.5, 0.5))
    with pytest.raises(LabError, match="at least 1"):
        Bets.beta(0.5, 0.5)
