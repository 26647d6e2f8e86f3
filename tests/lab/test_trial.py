"""Trials: verdicts, saving, forecasts by counting, and what they promise."""

import itertools
import json
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bench.trials import simulate
from negspace.errors import LabError, RequestError
from negspace.lab import Design, Trial, TrialVerdict, forecast
from negspace.lab.stats import e_bh, least_mean_pairs, log_evidence, pairs_for_mcnemar

HELPED, HARMED, KEPT, CLEAR = (True, False), (False, True), (True, True), (False, False)
PAIRS = st.lists(st.sampled_from([HELPED, HARMED, KEPT, CLEAR]), max_size=80)


def ended(trial: Trial) -> TrialVerdict:
    assert trial.verdict is not None
    return trial.verdict


def test_wins_alone_help() -> None:
    trial = Trial().run(itertools.repeat(HELPED))
    verdict = ended(trial)
    assert (verdict.kind, verdict.reason, verdict.effect) == ("helps", "evidence", 1.0)
    # Evidence of 40 is reached with this win and not before.
    assert log_evidence(trial.helped, 0, trial.pairs) >= math.log(40)
    assert log_evidence(trial.helped - 1, 0, trial.pairs - 1) < math.log(40)
    assert verdict.interval[0] > 0
    assert verdict.pairs == trial.pairs == 9


def test_losses_alone_harm() -> None:
    verdict = ended(Trial().run(itertools.repeat(HARMED)))
    assert (verdict.kind, verdict.effect, verdict.pairs) == ("harms", -1.0, 9)
    assert verdict.interval[1] < 0


@pytest.mark.parametrize("pair", [CLEAR, KEPT])
def test_pairs_that_never_differ_are_futile(pair: tuple[bool, bool]) -> None:
    verdict = ended(Trial().run(itertools.repeat(pair)))
    assert (verdict.kind, verdict.reason, verdict.effect) == ("no_evidence", "futile", 0.0)
    assert -0.12 < verdict.interval[0] < 0 < verdict.interval[1] < 0.12
    assert verdict.pairs < 60


def test_a_trial_ends_when_its_pairs_are_spent() -> None:
    verdict = ended(Trial(design=Design(most=6)).run(itertools.cycle((HELPED, HARMED))))
    assert (verdict.kind, verdict.reason, verdict.pairs) == ("no_evidence", "spent", 6)


def test_nothing_is_drawn_beyond_the_end_nor_observed() -> None:
    pairs = iter([HELPED] * 20)
    trial = Trial().run(pairs)
    assert len(list(pairs)) == 20 - trial.pairs
    with pytest.raises(LabError, match=r"ended after 9 pairs \(helps\)"):
        trial.observe(*CLEAR)
    assert trial.run([HARMED]) == trial


def test_a_trial_without_pairs_goes_on_and_is_frozen() -> None:
    assert Trial().verdict is None
    with pytest.raises(ValidationError, match="frozen"):
        Trial().helped = 3


@settings(deadline=None)
@given(PAIRS, st.integers(0, 80))
def test_a_trial_that_was_saved_goes_on_with_the_same_numbers(
    pairs: list[tuple[bool, bool]], cut: int
) -> None:
    whole = Trial().run(pairs)
    first = Trial().run(pairs[:cut])
    again = Trial.from_json(first.to_json())
    assert again == first
    resumed = again.run(pairs[first.pairs :])
    assert resumed == whole
    assert (resumed.verdict, resumed.log_evidence) == (whole.verdict, whole.log_evidence)
    assert resumed.to_json() == whole.to_json()


def test_a_saved_trial_is_plain_json_and_checked_on_the_way_in() -> None:
    saved = json.loads(Trial().observe(*HELPED).to_json())
    assert saved == {
        "design": {"alpha": 0.05, "smallest": 0.1, "most": 300},
        "helped": 1,
        "harmed": 0,
        "kept": 0,
        "clear": 0,
    }
    with pytest.raises(RequestError, match="no field 'hurt'"):
        Trial.from_dict({**saved, "hurt": 1})
    with pytest.raises(RequestError, match="harmed"):
        Trial.from_dict({**saved, "harmed": -1})
    with pytest.raises(LabError, match="301 pairs are more"):
        Trial.from_dict({**saved, "kept": 300})
    with pytest.raises(RequestError, match="alpha"):
        Design(alpha=0.0)


@settings(deadline=None)
@given(PAIRS)
def test_the_verdict_agrees_with_the_evidence_and_turns_with_the_sides(
    pairs: list[tuple[bool, bool]],
) -> None:
    trial = Trial().run(pairs)
    turned = Trial().run((after, before) for before, after in pairs)
    assert turned.log_evidence == pytest.approx(trial.log_evidence)
    opposite = {"helps": "harms", "harms": "helps", "no_evidence": "no_evidence", None: None}
    kinds = [one.verdict and one.verdict.kind for one in (trial, turned)]
    assert kinds[1] == opposite[kinds[0]]
    if kinds[0] in ("helps", "harms"):
        assert trial.log_evidence >= math.log(20)
        assert e_bh([trial.log_evidence]) == (True,)


@pytest.mark.parametrize("design", [Design(alpha=0.2, most=7), Design(alpha=0.4, smallest=0.5, most=7)])
def test_the_forecast_counts_every_course(design: Design) -> None:
    """All 3^7 courses through the trial itself, with chances 0.5, 0.2 and 0.3."""
    chances = {HELPED: 0.5, HARMED: 0.2, CLEAR: 0.3}
    ends: dict[str, float] = {}
    mean = 0.0

    def follow(trial: Trial, chance: float) -> None:
        nonlocal mean
        if verdict := trial.verdict:
            name = verdict.reason if verdict.kind == "no_evidence" else verdict.kind
            ends[name] = ends.get(name, 0.0) + chance
            mean += chance * verdict.pairs
            return
        for pair, its in chances.items():
            follow(trial.observe(*pair), chance * its)

    follow(Trial(design=design), 1.0)
    ahead = forecast(design, 0.5, 0.2)
    for name in ("helps", "harms", "futile", "spent"):
        assert getattr(ahead, name) == pytest.approx(ends.get(name, 0.0), abs=1e-12)
    assert ahead.mean == pytest.approx(mean)
    assert ahead.median <= ahead.late <= 7


def test_a_forecast_of_certainty() -> None:
    ahead = forecast(Design(), 1.0, 0.0)
    assert (ahead.helps, ahead.mean, ahead.median, ahead.late) == (1.0, 9.0, 9, 9)
    with pytest.raises(LabError, match="at most 1"):
        forecast(Design(), 0.8, 0.3)


@pytest.mark.parametrize("decided", [0.1, 0.3, 1.0])
def test_without_effect_a_verdict_is_wrong_at_most_one_time_in_twenty(decided: float) -> None:
    """Counted, not simulated: no luck is in it. Looked at after every pair."""
    ahead = forecast(Design(), decided / 2, decided / 2)
    assert 0.01 < ahead.helps + ahead.harms <= 0.05


def test_400_trials_without_effect() -> None:
    nothing = simulate(Design(most=150), 0.5, 0.3, trials=400, seed=2)
    assert 0 < nothing.helps + nothing.harms <= 20


def test_400_trials_with_a_win_rate_of_four_fifths() -> None:
    """Found nearly always, on fewer than 40 % of the pairs of a fixed-size test that finds it as often."""
    design = Design()
    real = simulate(design, 0.8, 0.3, trials=400, seed=2)
    assert real.helps >= 380
    power = min(forecast(design, 0.24, 0.06).helps, 0.999)
    assert power >= 0.95
    fixed = pairs_for_mcnemar(0.8, 0.3, power=power)
    assert least_mean_pairs(0.8, 0.3, power=power) < real.pairs_interval[1]
    assert real.pairs_interval[1] <= 0.4 * fixed


def test_an_effect_worth_having_is_rarely_given_up() -> None:
    """At a net share of exactly `smallest` futile is said at most with chance alpha."""
    for helped, harmed in ((0.1, 0.0), (0.2, 0.1), (0.55, 0.45)):
        assert forecast(Design(), helped, harmed).futile <= 0.05


def test_the_lab_needs_no_torch() -> None:
    code = (
        "import sys, negspace.lab.stats, negspace.lab.trial\n"
        "print([name for name in ('torch', 'diffusers', 'matplotlib') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.strip() == "[]"


def test_without_scipy_the_lab_says_what_to_install() -> None:
    code = "import sys\nsys.modules['scipy'] = None\nimport negspace.lab.stats"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.returncode == 1
    assert "pip install 'negspace[lab]'" in run.stderr.splitlines()[-1]
