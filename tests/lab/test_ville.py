"""Parity with `ville`, an independent package for anytime-valid inference."""

import numpy as np
import pytest
from ville import BernoulliTest
from ville.evalues import ebh

from negspace.lab.stats import Bets, e_bh, log_evidence


@pytest.mark.parametrize("wins", [1, 3])
@pytest.mark.parametrize("rate", [0.5, 0.8, 1.0])
def test_the_mean_of_both_directions_is_its_bernoulli_test(wins: int, rate: float) -> None:
    """A symmetric Beta over all win rates is half the one above 1/2 and half the one below."""
    coins = np.random.default_rng(5).random(200) < rate
    theirs = BernoulliTest(0.5, prior=(wins, wins)).fit(coins.astype(float)).log_e_values_
    helped = np.cumsum(coins)
    total = np.arange(1, coins.size + 1)
    bets = Bets.beta(wins, wins, count=64)
    up = log_evidence(helped, total - helped, total, bets=bets)
    down = log_evidence(total - helped, helped, total, bets=bets)
    np.testing.assert_allclose(np.logaddexp(up, down) - np.log(2), theirs, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.05, 0.3])
def test_e_bh_rejects_the_same(alpha: float) -> None:
    draw = np.random.default_rng(11)
    counted = 0
    for _ in range(200):
        logs = draw.normal(2, 2.5, size=draw.integers(1, 30))
        ours = e_bh(logs.tolist(), alpha=alpha)
        assert list(ours) == ebh(np.exp(logs), alpha).tolist()
        counted += sum(ours)
    assert counted > 50
