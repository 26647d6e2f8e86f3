"""Rules that take what is avoided one by one, over more than one step."""

from math import exp
from typing import Any

import pytest
import torch
from torch import Tensor

from negspace.errors import RequestError
from negspace.guidance import Rule, Step, make
from negspace.guidance.rules.crg import Crg
from negspace.guidance.rules.dng import Dng, Posteriors
from negspace.guidance.rules.perp_neg import PerpNeg
from negspace.guidance.rules.sega import Sega
from negspace.guidance.rules.sld import PRESETS, Sld

ONE_BY_ONE = ["composable", "contrastive", "crg", "dng", "dng_oracle", "dual", "perp_neg", "sega"]


def row(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(1, 1, 1, -1)


def at(index: int, x: Tensor, negatives: dict[str, float], count: int = 50) -> Step:
    """A step of a variance-preserving schedule from (0.6, 0.8) to (0.8, 0.6)."""
    return Step(index, count, 0.8 / 0.6, x, 0.6, 0.8, negatives, (0.8, 0.6))


def sides(rule: Rule[Any], step: Step, state: Any = None) -> list[str]:
    return [branch.side for branch in rule.branches(step, rule.init() if state is None else state)]


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_each_thing_is_asked_for_and_what_weighs_nothing_is_not(name: str) -> None:
    rule, x = make(name, scale=3.0), row(0, 0)
    assert sides(rule, at(20, x, {"a": 1.0, "b": 0.0, "c": 2.0})) == ["positive", "empty", "a", "c"]
    assert sides(rule, at(20, x, {"a": 0.0})) == ["positive", "empty"]
    assert sides(rule, at(20, x, {})) == ["positive", "empty", "negative"]


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_a_weight_acts_on_its_own_branch(name: str) -> None:
    """The push of a thing grows with its weight and leaves the push of the others as it is."""
    rule = make(name, scale=3.0)
    told = {"positive": row(3, 1, 0), "empty": row(0, 0, 0), "a": row(1, 1, 0.0), "b": row(0.5, 0, 1)}

    def push(a: float, b: float) -> Tensor:
        step = at(20, row(0, 0, 0), {"a": a, "b": b})
        asked = {branch.name: told[branch.name] for branch in rule.branches(step, rule.init())}
        plain = {key: told[key] for key in ("positive", "empty")}
        none = rule.combine(plain, at(20, row(0, 0, 0), {"a": 0.0}), rule.init())[0]
        return none - rule.combine(asked, step, rule.init())[0]

    assert push(1, 0).abs().max() > 1e-4
    assert torch.allclose(push(2, 0), 2 * push(1, 0), rtol=1e-4)
    assert torch.allclose(push(1, 0.5), push(1, 0) + push(0, 0.5), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", [*ONE_BY_ONE, "sld"])
def test_a_negative_acts_at_scale_1(name: str) -> None:
    case = make(name, scale=1.0)
    assert len(sides(case, at(20, row(0, 0), {"negative": 1.0}))) > 1
    assert sides(case.off(), at(20, row(0, 0), {"negative": 1.0})) == ["positive"]


def test_a_positive_that_says_nothing_takes_nothing_from_a_negative() -> None:
    told = {"positive": row(1, 1), "empty": row(1, 1), "a": row(3, 0)}
    guided, _ = PerpNeg(scale=2.0).combine(told, at(0, row(0, 0), {"a": 1.0}), None)
    assert torch.allclose(guided, row(1 - 4, 1 + 2))


def test_the_evidence_of_earlier_steps_counts() -> None:
    """h = 8 (a/s)^2 at both steps, and a step is worth (s^2 - (a/a')^2 s'^2) / (2 (a/a')^2 s^2) = 0.6076."""
    rule = Crg(scale=1.0, negative=1.0)
    told = {"positive": row(3, 1), "empty": row(0, 1), "a": row(2, 1)}
    step = at(0, row(0, 0), {"a": 1.0})
    first, state = rule.combine(told, step, rule.init())
    assert torch.allclose(first, row(3 - 2, 1))  # o = (8/2) / 4 = 1
    second, state = rule.combine(told, step, state)
    worth = (0.64 - 0.5625 * 0.36) / (2 * 0.5625 * 0.64)
    assert torch.allclose(second, row(3 - 2 * (4 + worth * 8) / 4, 1))
    assert torch.allclose(state.ratios["a"], torch.tensor(2 * worth * 8 * 0.5625))


def test_evidence_against_lets_the_picture_be() -> None:
    told = {"positive": row(-3, 1), "empty": row(0, 1), "a": row(2, 1)}
    guided, state = Crg(scale=1.0).combine(told, at(0, row(0, 0), {"a": 1.0}), Crg().init())
    assert torch.equal(guided, told["positive"]) and state.ratios["a"] < 0


def test_pure_noise_is_no_evidence() -> None:
    step = Step(0, 4, float("inf"), row(0, 0), 0.0, 1.0, {"a": 1.0}, (0.5, 0.5))
    told = {"positive": row(3, 1), "empty": row(0, 1), "a": row(2, 1)}
    _, state = Crg().combine(told, step, Crg().init())
    assert torch.equal(state.ratios["a"], torch.zeros(1, 1, 1, 1))


def followed(rule: Dng, x: Tensor) -> tuple[Tensor, Posteriors]:
    """The posterior after a step from x = 0 that told x0 = 0 without and (1, 0) with the avoided thing."""
    told = {"positive": row(0, 0), "a": row(1, 0)}
    _, state = rule.combine(told, at(0, row(0, 0), {"a": 1.0}), rule.init())
    return rule.posterior(at(1, x, {"a": 1.0}), state)["a"], state


def test_the_posterior_follows_the_noise_that_was_drawn() -> None:
    """m_n - m_b = (a' taken / s^2, 0) for what the step takes away, and v = taken s'^2 / s^2."""
    taken = 0.64 - (0.6 / 0.8 * 0.6) ** 2
    mean, v = 0.8 * taken / 0.64, taken * 0.36 / 0.64
    rule = Dng(scale=1.0, prior=0.2, temperature=0.5, offset=0.01, least=1e-6, most=0.999)
    for x in (mean, 0.0, -mean):
        expected = 0.2 * exp((0.5 * (x**2 - (x - mean) ** 2) + 0.01) / (2 * v))
        posterior, state = followed(rule, row(x, 5.0))
        assert posterior.tolist() == pytest.approx([expected], rel=1e-5)
        odds = expected / (1 - expected)
        told = {"positive": row(2, 0), "a": row(3, 1)}
        guided, _ = rule.combine(told, at(1, row(x, 5.0), {"a": 1.0}), state)
        assert torch.allclose(guided, row(2 - 5 * odds, -5 * odds), rtol=1e-4)


def test_the_posterior_stays_within_what_is_believed() -> None:
    rule = Dng(scale=1.0, prior=0.2, temperature=1.0, offset=0.0, least=0.1, most=0.4)
    assert followed(rule, row(9.0, 0))[0].tolist() == pytest.approx([0.4])
    assert followed(rule, row(-9.0, 0))[0].tolist() == pytest.approx([0.1])


@pytest.mark.parametrize("text", ["dng(prior=0.01, skip=0.1)", "dng(least=0.5, most=0.2)"])
def test_settings_that_shut_each_other_out_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match="rule dng: (skip|least) must not be above (prior|most)"):
        make(text)


def test_what_is_not_there_is_given_up() -> None:
    """Known before evaluating: it is not asked for any more, and what was asked for is exact."""
    rule = Dng(scale=1.0, prior=0.2, temperature=1.0, skip=0.05, least=1e-6)
    gone, state = row(-9.0, 0), followed(rule, row(0.0, 0))[1]
    assert sides(rule, at(1, gone, {"a": 1.0}), state) == ["positive"]
    assert sides(rule, at(1, row(9.0, 0), {"a": 1.0}), state) == ["positive", "a"]
    assert sides(rule, at(1, gone, {"a": 1.0, "b": 1.0}), state) == ["positive", "b"]
    guided, after = rule.combine({"positive": row(2, 0)}, at(1, gone, {"a": 1.0}), state)
    assert torch.equal(guided, row(2, 0))
    assert sides(rule, at(2, row(9.0, 0), {"a": 1.0}), after) == ["positive"]


def test_a_picture_that_gave_up_is_not_pushed_by_its_companions() -> None:
    rule = Dng(scale=1.0, prior=0.2, temperature=1.0, skip=0.05)
    state = followed(rule, row(0.0, 0))[1]
    x = torch.cat([row(-9.0, 0), row(9.0, 0)])
    told = {"positive": row(2, 0).expand(2, 1, 1, 2), "a": row(3, 1).expand(2, 1, 1, 2)}
    guided, after = rule.combine(told, at(1, x, {"a": 1.0}), state)
    assert torch.equal(guided[:1], row(2, 0)) and not torch.equal(guided[1:], row(2, 0))
    assert rule.posterior(at(1, x, {}), after)["a"][0] < 0.05


def test_the_last_step_and_a_step_that_stays_tell_nothing() -> None:
    rule, told = Dng(scale=1.0), {"positive": row(0, 0), "a": row(1, 0)}
    for following in ((1.0, 0.0), (0.6, 0.8)):
        step = Step(0, 2, 0.8 / 0.6, row(0, 0), 0.6, 0.8, {"a": 1.0}, following)
        assert rule.combine(told, step, rule.init())[1].mean is None


def test_momentum_gathers_while_warming_up() -> None:
    """Two equal steps: v = (1 - f) g, then g + s v acts. Of eps, all differences are -0.75 times as large.

    Warm-up and cooldown are shares: of 50 steps, 0.02 is one and 0.04 two.
    """
    told = {"positive": row(1.0), "empty": row(0.0), "negative": row(2.0), "a": row(2.0)}
    sld = Sld(scale=2.0, negative=0.25, threshold=9.0, momentum=0.5, decay=0.75, warmup=0.02)
    three = {key: told[key] for key in ("positive", "empty", "negative")}
    first, state = sld.combine(three, at(0, row(0.0), {}), None)
    second, _ = sld.combine(three, at(1, row(0.0), {}), state)
    assert torch.equal(first, row(2.0))
    g = 0.25 * 0.75 * 2
    assert torch.allclose(second, row(2 * (1 - (g + 0.5 * 0.25 * g))))
    assert state is not None and torch.allclose(state, row(-0.75 * 0.25 * g))

    sega = Sega(scale=2.0, negative=3.0, momentum=0.5, decay=0.75, warmup=0.02, cooldown=0.04)
    three = {key: told[key] for key in ("positive", "empty", "a")}
    first, state = sega.combine(three, at(0, row(0.0), {"a": 1.0}), None)
    second, _ = sega.combine(three, at(1, row(0.0), {"a": 1.0}), state)
    assert torch.equal(first, row(2.0))
    assert torch.allclose(second, row(2 - 6 - 0.5 * 0.25 * 6))
    assert sides(sega, at(2, row(0.0), {"a": 1.0})) == ["positive", "empty"]


def test_warming_up_without_momentum_evaluates_nothing_in_vain() -> None:
    weak = Sld.preset("weak")
    assert sides(weak, at(14, row(0.0), {})) == ["positive", "empty"]
    assert sides(weak, at(15, row(0.0), {})) == ["positive", "empty", "negative"]
    assert sides(Sld.preset("medium"), at(0, row(0.0), {})) == ["positive", "empty", "negative"]
    assert sides(Sega(momentum=0.0), at(9, row(0.0), {"a": 1.0})) == ["positive", "empty"]


@pytest.mark.parametrize("steps", [50, 25, 10])
def test_a_warm_up_is_a_share_of_the_steps(steps: int) -> None:
    """A fifth of them: 10 of 50 as published, and 2 of 10, where 10 steps would be all there are."""
    told = {"positive": row(1.0), "empty": row(0.0), "negative": row(2.0), "a": row(2.0)}
    for rule, side in ((Sld(momentum=0.0, threshold=9.0), "negative"), (Sega(momentum=0.0), "a")):
        asked = [side in sides(rule, at(index, row(0.0), {"a": 1.0}, steps)) for index in range(steps)]
        assert asked.index(True) == steps // 5 and all(asked[steps // 5 :])
        step = at(steps // 5, row(0.0), {"a": 1.0}, steps)
        predictions = {key: told[key] for key in sides(rule, step)}
        assert not torch.equal(rule.combine(predictions, step, None)[0], row(7.5))


def test_presets() -> None:
    assert set(PRESETS) == {"weak", "medium", "strong", "max"}
    assert Sld.preset("medium") == Sld() and Sld.preset("max", scale=3.0).negative == 5000
    with pytest.raises(RequestError, match="no preset of sld is called 'stong'; did you mean 'strong'"):
        Sld.preset("stong")


def test_a_posterior_that_is_never_there_costs_nothing() -> None:
    step = at(0, row(0.0), {"a": 1.0})
    assert sides(make("dng_oracle(posterior=constant(0))", scale=1.0), step) == ["positive"]
    rule = make("dng_oracle(posterior=window(0, 0.5, constant(0.5)), scale=1)")
    assert [len(sides(rule, at(index, row(0.0), {"a": 1.0}, 4))) for index in range(4)] == [2, 2, 1, 1]
    sure = make("dng_oracle(posterior=constant(7), most=0.75, scale=1)")
    guided, _ = sure.combine({"positive": row(0.0), "a": row(1.0)}, step, None)
    assert torch.allclose(guided, row(-3.0))


def test_two_scales_that_are_one_spare_the_empty_prompt() -> None:
    assert sides(make("dual(negative=6.5)"), at(0, row(0.0), {"a": 1.0})) == ["positive", "a"]
