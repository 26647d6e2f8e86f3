"""Thresholds from examples, and how often they are wrong."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from negspace.errors import JudgeError
from negspace.judge import Calibration, ConceptDetector, Quality, Rate
from negspace.judge.calibration import choose_threshold, split_examples, with_rates
from negspace.judge.scoring import logistic

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
scores = st.lists(st.floats(-5, 5), min_size=1, max_size=30)


@settings(deadline=None)
@given(counts)
def test_rates_have_the_interval_of_wilson(pair: tuple[int, int]) -> None:
    hits, count = pair
    known = binomtest(hits, count).proportion_ci(method="wilson")
    rate = Rate.of(hits, count)
    assert (rate.low, rate.high) == pytest.approx((known.low, known.high), abs=1e-9)
    assert rate.low <= rate.share <= rate.high


@settings(deadline=None)
@given(scores, scores, st.floats(0.05, 1))
def test_a_threshold_catches_what_it_must_and_no_higher_one_does(
    present: list[float], absent: list[float], catch: float
) -> None:
    cut = choose_threshold(present, absent, catch)
    assert sum(score >= cut for score in present) >= catch * len(present) - 1e-6
    higher = [score for score in present if score > cut]
    assert len(higher) < catch * len(present) + 1e-6


@settings(deadline=None)
@given(scores, scores)
@example([5e-324], [0.0])
@example([float(np.nextafter(1, 2))], [1.0])
def test_without_a_share_to_catch_no_threshold_parts_them_better(
    present: list[float], absent: list[float]
) -> None:
    def parted(cut: float) -> float:
        return float(np.mean(np.array(present) >= cut) - np.mean(np.array(absent) >= cut))

    best = max(parted(cut) for cut in (*present, *absent))
    assert parted(choose_threshold(present, absent)) == pytest.approx(best, abs=1e-9)


def test_a_threshold_by_hand() -> None:
    assert choose_threshold([2, 3, 4], [0, 1]) == 1.5
    assert choose_threshold([1, 2, 3, 4], [0], catch=0.75) == 2


def test_examples_are_shared_out_whole_and_once() -> None:
    rows = np.arange(13.0)[:, None]
    parts = split_examples(rows)
    assert [len(part) for part in parts] == [7, 3, 3]
    assert sorted(np.concatenate(parts).ravel()) == list(range(13))


def test_a_cut_tells_where_its_intervals_lie_apart() -> None:
    cut = ConceptDetector(threshold=0.5)
    assert not cut.distinguishes
    assert with_rates(cut, np.ones(40), np.zeros(40)).distinguishes
    same = with_rates(cut, np.arange(40) % 2, np.arange(40) % 2)
    assert same.caught == same.false_alarms == Rate.of(20, 40) and not same.distinguishes


def test_the_prior_stands_with_few_examples_and_gives_way_to_many() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(4000, 3))
    rows[:, 2] = 1
    truth = rng.random(4000) < 1 / (1 + np.exp(-3 * rows[:, 0]))
    prior = np.array([0.0, 2.0, 0.0])
    few, many = logistic(rows[:4], truth[:4], prior), logistic(rows, truth, prior)
    assert few[1] > 1.5 and abs(many[1]) < 0.2
    assert many[0] == pytest.approx(3, abs=0.3)
    assert logistic(rows[:0], truth[:0], prior) == pytest.approx(prior)


def test_too_few_examples_are_refused() -> None:
    judge = Quality()
    with pytest.raises(JudgeError, match="11 pictures with 'noise' are too few"):
        judge.calibrate("noise", judge.default_detector("noise"), np.zeros((11, 8)), np.zeros((20, 8)))


def test_a_calibration_comes_back_from_its_file(tmp_path: Path) -> None:
    blank = ConceptDetector(threshold=0.25, direction=(0.1, -2.0), also=("cap",))
    cut = with_rates(blank, np.ones(12), np.zeros(12))
    empty = Calibration(judge="zero_shot", made_for="ab", only=True)
    one = empty.with_concept("hat", cut).with_concept("Hats", cut)
    one.write(tmp_path / "a" / "hat.json")
    assert Calibration.read(tmp_path / "a" / "hat.json") == one
    assert list(one.concepts) == ["Hats"]  # the same thing, set anew
    (tmp_path / "bad.json").write_text('{"judge": "quality"}')
    (tmp_path / "worse.json").write_text("no")
    for file in ("bad.json", "worse.json", "none.json"):
        with pytest.raises(JudgeError, match=file):
            Calibration.read(tmp_path / file)
