"""What the frontier measures and how it compares: bench.rules."""

from collections.abc import Sequence

import numpy as np
import pytest

import negspace
from bench.rules.cases import cases
from bench.rules.figures import Line, beaten, front
from bench.rules.tuning import TRIED, best
from negspace.guidance import make

NOT_TUNED = {"auto", "autoguidance", "locked", "traced"}
"""Ours has no knobs; one needs a second network, one acts beside locked terms, the last is cfg."""


def line(rule: str, leak: Sequence[float], damage: Sequence[float]) -> Line:
    columns = {"leak": np.array(leak), "damage": np.array(damage)}
    figures = {name: (float(values.mean()), 0.0, 0.0) for name, values in columns.items()}
    return Line(rule, figures, columns["leak"], columns["damage"])


def test_more_seeds_begin_with_the_cases_of_fewer() -> None:
    few, many = cases(3, 50), cases(8, 50)
    assert many[: len(few)] == few and cases(3, 51)[0] != few[0]
    assert len({case.concept for case in few if case.real}) == 12 and len(few) == 3 * 14


def test_a_placebo_has_a_twin_of_which_nothing_is_avoided() -> None:
    asked = [case for case in cases(8, 50) if not case.real]
    placebos, twins = asked[::2], asked[1::2]
    assert all(case.placebo and case.avoid == "teapot" for case in placebos)
    assert [case.wish for case in twins] == [case.wish for case in placebos]
    assert not any(case.placebo or case.avoid for case in twins)


def test_the_front_is_what_no_other_one_beats() -> None:
    lines = [line("a", [0, 1], [2, 2]), line("b", [1, 1], [1, 1]), line("c", [1, 1], [3, 1])]
    assert front(lines) == ["a", "b"]
    assert front([*lines, line("d", [0, 1], [2, 2])]) == ["a", "b", "d"]


def test_how_surely_one_beats_another() -> None:
    ours = line("auto", [0, 1] * 50, [2, 2] * 50)
    assert beaten(ours, line("better", [0, 0] * 50, [1, 1] * 50)) == 1.0
    assert beaten(ours, line("cleaner", [1, 1] * 50, [1, 1] * 50)) == 0.0
    # Damage is less in half of the pictures and more by as much in the others.
    assert beaten(ours, line("alike", [0, 1] * 50, [1, 1, 3, 3] * 25)) == pytest.approx(0.5, abs=0.1)


def test_of_settings_the_one_with_the_least_leak_and_damage_is_taken() -> None:
    bare = line("(no negative)", [1, 1], [2, 2])
    tried = [line(text, [0.5, 0.5], [2, 2]) for rule, texts in TRIED.items() for text in (rule, *texts)]
    chosen = best(
        bare, [*(one for one in tried if one.rule != "cfg(scale=2)"), line("cfg(scale=2)", [0, 0], [2, 2])]
    )
    assert chosen["cfg"] == "cfg(scale=2)" and chosen["dual"] == "dual"


def test_every_rule_is_tuned_by_texts_that_mean_it() -> None:
    hosted = set(negspace.load("embedded").facts.rules)
    assert set(TRIED) == hosted - NOT_TUNED
    assert all(make(text).name == rule for rule, texts in TRIED.items() for text in texts)
