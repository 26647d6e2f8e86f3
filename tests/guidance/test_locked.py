"""What locked terms do does not depend on what else is avoided: over every rule, at a step of many."""

from dataclasses import replace
from typing import Any
from zlib import crc32

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from negspace.guidance import RULES, Branch, Rule, Step, make
from negspace.guidance.rules.locked import Locked
from negspace.guidance.shared.groups import NOTHING, branch_of_group, groups_at, step_of_group
from negspace.guidance.shared.sums import dot, norm
from tests.guidance.test_laws import LAW, SHAPE, noise, scales, seeds, step_at

OTHER_RULES = sorted(set(RULES) - {"locked"})
every_rule = pytest.mark.parametrize("name", OTHER_RULES)


def crowded(seed: int, others: int) -> Step:
    """The middle of a run, with a locked term and others."""
    weights = {f"negative:{number}": 1.0 for number in range(1 + others)}
    step = step_at(0.6, seed, 12, 24)
    return replace(step, negatives=weights, following=(0.7, 0.51**0.5), locked=frozenset({"negative:0"}))


def said(branch: Branch, seed: int, step: Step) -> Tensor:
    """What a branch predicts: it depends on what it reads, not on its name."""
    key = f"{seed} {branch.side} {branch.patch} {branch.noise}"
    return step.x + 0.1 * noise(crc32(key.encode()), *SHAPE)


def of_group(rule: Rule[Any], group: str, step: Step, seed: int) -> Tensor:
    """What a rule makes of the terms of a group alone."""
    at = step_of_group(step, group)
    branches = rule.branches(at, rule.init())
    told = {branch.name: said(branch_of_group(branch, group, False), seed, step) for branch in branches}
    return rule.combine(told, at, rule.init())[0]


@every_rule
@given(seed=seeds, scale=scales, others=st.integers(1, 30))
@LAW
def test_the_push_of_locked_terms_is_that_which_they_have_alone(
    name: str, seed: int, scale: float, others: int
) -> None:
    rule, step = make(name, scale=scale), crowded(seed, others)
    locked = Locked(rule)
    told = {branch.name: said(branch, seed, step) for branch in locked.branches(step, locked.init())}
    guided, _ = locked.combine(told, step, locked.init())
    alone, nothing = of_group(rule, "locked", step, seed), of_group(rule, NOTHING, step, seed)
    added, push = guided - alone, alone - nothing
    tolerance = 1e-4 * (1.0 + norm(guided) ** 2)
    assert (dot(added, push) >= -tolerance).all(), "what else is avoided pushes against the locked terms"
    assert (norm(added) <= locked.most * norm(push) + 1e-4 * (1.0 + norm(guided))).all()


@every_rule
def test_without_others_or_without_locked_terms_it_is_the_inner_rule(name: str) -> None:
    rule = make(name, scale=3.0)
    for step in (crowded(1, 0), replace(crowded(1, 3), locked=frozenset[str]())):
        locked = Locked(rule)
        assert groups_at(step) == ("",)
        branches = locked.branches(step, locked.init())
        assert branches == rule.branches(step, rule.init())
        told = {branch.name: said(branch, 1, step) for branch in branches}
        guided, _ = locked.combine(told, step, locked.init())
        assert torch.equal(guided, rule.combine(told, step, rule.init())[0])


def test_outside_of_its_window_a_locked_term_takes_nothing_from_the_others() -> None:
    step = replace(crowded(1, 2), negatives={"negative:0": 0.0, "negative:1": 1.0, "negative:2": 1.0})
    locked = Locked(make("cfg", scale=3.0))
    assert groups_at(step) == ("others",)
    assert [branch.side for branch in locked.branches(step, locked.init())] == ["positive", "negative@others"]
