"""Wrappers: neutral settings, other rules inside, what is asked for, and states step by step, by hand."""

from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from negspace.errors import RequestError
from negspace.guidance import RULES, Branch, Cfg, Rule, Step, Wrapper, make
from negspace.guidance.rules.adaptive import Adaptive
from negspace.guidance.rules.apg import Apg
from negspace.guidance.rules.cads import Cads
from negspace.guidance.rules.cfg_zero import CfgZero
from negspace.guidance.rules.norm_cap import NormCap
from negspace.guidance.rules.reuse import Reuse
from negspace.guidance.rules.threshold import Threshold
from negspace.guidance.rules.traced import Traced
from negspace.guidance.shared.wrappers import WeakBranch
from negspace.strength import window

STEPS, SHAPE = 5, (2, 3, 4, 4)
WRAPPERS = sorted(
    name
    for name, rule in RULES.items()
    if issubclass(rule, Wrapper)
    and not issubclass(rule, WeakBranch)
    and rule.delivery == "nothing"
    and rule is not Traced
)
"""Those that shape, save or vary; rules in attention space and weaker networks have tests of their own."""
OF_ONE_STRENGTH = sorted(
    {name for name, rule in RULES.items() if not issubclass(rule, Wrapper)} | set(WRAPPERS)
)
every_wrapper = pytest.mark.parametrize("name", WRAPPERS)
seeds = st.integers(0, 2**32)
LAW = settings(max_examples=15, deadline=None)


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def way(seed: int) -> list[Step]:
    """Steps from almost pure noise to almost none."""
    a = [0.1, 0.3, 0.5, 0.7, 0.9, 1.0]
    s = [(1 - share * share) ** 0.5 for share in a]
    return [
        Step(i, STEPS, s[i] / a[i], noise(seed + i, *SHAPE), a[i], s[i], {}, (a[i + 1], s[i + 1]))
        for i in range(STEPS)
    ]


def told(branches: tuple[Branch, ...], step: Step) -> dict[str, Tensor]:
    """Predictions that come nearer to each other as the noise falls."""
    return {
        one.name: step.x + step.s**8 * noise(step.index + 9 * sum(one.name.encode()), *SHAPE)
        for one in branches
    }


def play(rule: Rule[Any], steps: list[Step]) -> tuple[list[Tensor], list[tuple[Branch, ...]]]:
    """What a rule makes of every step, and what it asked for."""
    state, outputs, asked = rule.init(), [], []
    for step in steps:
        asked.append(rule.branches(step, state))
        output, state = rule.combine(told(asked[-1], step), step, state)
        outputs.append(output)
    return outputs, asked


def row(*numbers: float) -> Tensor:
    return torch.tensor(numbers).reshape(1, 1, 1, -1)


def at(index: int, a: float = 0.6) -> Step:
    s = (1 - a * a) ** 0.5
    return Step(index, STEPS, s / a, torch.zeros(1, 1, 1, 2), a, s, {})


@every_wrapper
@given(seed=seeds)
@LAW
def test_neutral_settings_are_the_inner_rule(name: str, seed: int) -> None:
    """All the way, in what is asked for and in what comes of it."""
    neutral = import_module(f"tests.guidance.cases.case_{name}").NEUTRAL
    assert neutral.name == name
    ours, asked = play(neutral, way(seed))
    theirs, wanted = play(neutral.inner, way(seed))
    assert asked == wanted
    assert all(torch.allclose(*pair, rtol=1e-4, atol=1e-5) for pair in zip(ours, theirs, strict=True))


@every_wrapper
def test_a_wrapper_that_is_not_neutral_does_something(name: str) -> None:
    wrapper = make(f"{name}(cfg(9))")
    assert isinstance(wrapper, Wrapper)
    terms = {"negatives": {"negative:0": 1.0, "negative:1": 1.0}, "locked": frozenset({"negative:0"})}
    steps = [replace(step, **terms) for step in way(0)]
    ours, asked = play(wrapper, steps)
    theirs, wanted = play(wrapper.inner, steps)
    assert asked != wanted or not all(map(torch.allclose, ours, theirs))


@every_wrapper
@pytest.mark.parametrize("inside", [*WRAPPERS, "cfg_pp"])
def test_wrappers_nest(name: str, inside: str) -> None:
    """Any wrapper around any other: off is off, and each picture stays by itself."""
    rule = make(f"{name}({inside})", scale=4.0)
    outputs, _ = play(rule, way(1))
    assert all(torch.isfinite(output).all() for output in outputs)
    off, asked = play(rule.off(), way(1))
    assert all([branch.side for branch in branches] == ["positive"] for branches in asked)
    for output, branches, step in zip(off, asked, way(1), strict=True):
        assert torch.allclose(output, told(branches, step)["positive"], atol=2e-5)


@pytest.mark.parametrize("name", OF_ONE_STRENGTH)
@pytest.mark.parametrize(
    "within", [window(0.2, 0.6), window(2.0, 0.9, axis="sigma")], ids=["progress", "sigma"]
)
def test_a_limited_interval_evaluates_the_positive_alone_outside(name: str, within: Any) -> None:
    """Limited-interval guidance, arXiv 2404.07724, is a strength: every rule has it, on both axes."""
    rule = make(name, scale=5.0, strength=within)
    state = rule.init()
    for step in way(2):
        branches = rule.branches(step, state)
        output, state = rule.combine(told(branches, step), step, state)
        if not within.at(step):
            assert [branch.side for branch in branches] == ["positive"]
            assert torch.allclose(output, told(branches, step)["positive"], atol=2e-5)
    assert [bool(within.at(step)) for step in way(2)] == (
        [False, True, True, False, False] if within.axis == "progress" else [False, False, True, True, False]
    )


# The momentum of APG


def test_the_momentum_of_apg_by_hand() -> None:
    rule = Apg(Cfg(2.0), eta=1.0, radius=1e6, momentum=-0.5)
    first = {"positive": row(3.0, 4.0), "negative": row(1.0, 2.0)}
    output, state = rule.combine(first, at(0), rule.init())
    assert torch.allclose(output, row(5.0, 6.0))
    second = {"positive": row(3.0, 4.0), "negative": row(2.0, 0.0)}
    output, _ = rule.combine(second, at(1), state)
    # (1, 4) - 0.5 (2, 2) = (0, 3), all of it kept: (3, 4) + (0, 3)
    assert torch.allclose(output, row(3.0, 7.0))


def test_apg_keeps_its_momentum_before_the_cap() -> None:
    rule = Apg(Cfg(2.0), eta=1.0, radius=0.5**0.5, momentum=0.5)  # of two numbers: r = 1
    told = {"positive": row(4.0, 0.0), "negative": row(0.0, 0.0)}
    output, state = rule.combine(told, at(0), rule.init())
    assert torch.allclose(output, row(5.0, 0.0))
    assert torch.allclose(state[0]["negative"], row(4.0, 0.0))


# CFG-Zero*


def test_the_first_steps_of_cfg_zero_may_stand_still() -> None:
    rule = CfgZero(Cfg(3.0), zeros=2)
    outputs, asked = play(rule, way(3))
    assert [len(branches) for branches in asked] == [1, 1, 2, 2, 2]
    assert [bool(output.any()) for output in outputs] == [False, False, True, True, True]
    ours, _ = play(rule.off(), way(3))
    assert all(output.any() for output in ours)


# Adaptive stop

DISTANCES = (0.2, 1.0, 0.5, 0.24, 0.1, 1.0)
"""Of the negative from a positive of length 1, step by step."""


def distant(distance: float) -> dict[str, Tensor]:
    return {"positive": row(1.0, 0.0), "negative": row(1.0, distance)}


def test_guidance_ends_once_the_distance_has_fallen_from_its_peak() -> None:
    rule = Adaptive(Cfg(2.0), share=0.25)
    state, asked = rule.init(), []
    for index, distance in enumerate(DISTANCES):
        branches = [branch.name for branch in rule.branches(at(index), state)]
        asked.append(len(branches))
        told = {name: tensor for name, tensor in distant(distance).items() if name in branches}
        output, state = rule.combine(told, at(index), state)
        expected = row(1.0, -distance) if len(branches) == 2 else row(1.0, 0.0)
        assert torch.allclose(output, expected)
    # 0.2 at first is small and rising; 0.24 < 0.25 * 1.0 ends it after that step, for good
    assert asked == [2, 2, 2, 2, 1, 1]


def test_pictures_in_a_batch_stop_each_by_itself() -> None:
    rule = Adaptive(Cfg(2.0), share=0.25)
    state, output = rule.init(), row(0.0)
    for index, (first, second) in enumerate([(1.0, 1.0), (0.1, 0.9), (0.5, 0.9)]):
        pairs = distant(first), distant(second)
        told = {name: torch.cat([pair[name] for pair in pairs]) for name in pairs[0]}
        assert len(rule.branches(at(index), state)) == 2
        output, state = rule.combine(told, at(index), state)
    assert torch.allclose(output, torch.cat([row(1.0, 0.0), row(1.0, -0.9)]))


# Reuse


@pytest.mark.parametrize(
    ("every", "counts"), [(1, [2, 2, 2, 2, 2]), (2, [2, 1, 2, 1, 2]), (3, [2, 1, 1, 2, 1])]
)
def test_reuse_asks_for_every_kth_step(every: int, counts: list[int]) -> None:
    assert [len(branches) for branches in play(Reuse(every=every), way(4))[1]] == counts


def test_reuse_by_hand() -> None:
    rule = Reuse(Cfg(3.0), every=2)
    full = {"positive": row(1.0, -2.0), "negative": row(0.5, 2.0)}
    _, state = rule.combine(full, at(0), rule.init())
    output, state = rule.combine({"positive": row(10.0, 10.0)}, at(1), state)
    assert torch.allclose(output, row(11.0, 2.0)), "the push of the first step was (1, -8)"
    assert len(rule.branches(at(2), state)) == 2


def test_reuse_ends_with_the_rule_inside_and_begins_with_it_anew() -> None:
    rule = Reuse(Cfg(3.0, window(0.2, 0.6)), every=4)
    outputs, asked = play(rule, way(5))
    assert [len(branches) for branches in asked] == [1, 2, 1, 1, 1]
    assert torch.equal(outputs[3], told(asked[3], way(5)[3])["positive"])
    assert not torch.equal(outputs[2], told(asked[2], way(5)[2])["positive"])


# What each wrapper promises of its outcome


@given(seed=seeds, scale=st.floats(1.5, 40))
@LAW
def test_the_push_is_capped_picture_by_picture(seed: int, scale: float) -> None:
    rule = NormCap(Cfg(scale), most=0.3)
    positive, negative = noise(seed, *SHAPE), noise(seed + 1, *SHAPE) * row(0.001, 5.0).reshape(2, 1, 1, 1)
    guided, _ = rule.combine({"positive": positive, "negative": negative}, way(0)[0], rule.init())
    push = (guided - positive).flatten(1).norm(dim=1)
    assert (push <= 0.3001 * positive.flatten(1).norm(dim=1)).all()


@given(seed=seeds, scale=st.floats(1.5, 40))
@LAW
def test_no_number_leaves_the_range_of_the_positive(seed: int, scale: float) -> None:
    rule = Threshold(Cfg(scale))
    positive, negative = noise(seed, *SHAPE), noise(seed + 1, *SHAPE)
    guided, _ = rule.combine({"positive": positive, "negative": negative}, way(0)[0], rule.init())
    assert (guided.abs().flatten(1).amax(1) <= positive.abs().flatten(1).amax(1) + 1e-5).all()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("reuse(every=1.5)", "every must be a whole number"),
        ("reuse(every=0)", "every must be a number from 1 on"),
        ("cads(clean=0.9, hazy=0.5)", "clean 0.9 must not be above hazy 0.5"),
        ("adaptive(share=2)", "share must be a number from 0 to 1"),
        ("rescale(phi=-1)", "phi must be a number from 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(text: str, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        make(text)


# CADS


def test_the_noise_of_cads_follows_its_schedule() -> None:
    rule = Cads(clean=0.4, hazy=0.8, noise=0.5, mix=0.5)
    step = at(0)
    seen = [rule.branches(replace(step, index=i, count=10), rule.init()) for i in (0, 2, 4, 6, 9)]
    noises = [branches[0].noise for branches in seen]
    assert all(branches[1].noise is None for branches in seen), "the negative gets no noise"
    assert noises[3] is None and noises[4] is None
    # time is 1, 0.8, 0.6: gamma 0, 0, 0.5
    for noise, gamma in zip(noises, (0.0, 0.0, 0.5), strict=False):
        assert noise is not None and noise.matched == 0.5
        assert noise.keep == pytest.approx(gamma**0.5, abs=1e-6)
        assert noise.strength == pytest.approx(0.5 * (1 - gamma) ** 0.5)
