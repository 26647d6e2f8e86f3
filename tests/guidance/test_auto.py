"""auto from its second step on, and the joint prompt that it is told, through the single path."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import negspace as ns
from negspace.generate import Model
from negspace.guidance import Step
from negspace.guidance.rules.auto import Auto, Measurements
from negspace.guidance.shared.terms import joint_sides
from negspace.prompt import parse
from negspace.strength import Window

STEPS = 20
RULE = Auto(scale=3.0)


@pytest.fixture
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def flat(*values: float) -> Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


def at(index: int, count: int = STEPS, **weights: float) -> Step:
    named = {f"negative:{number}": weight for number, weight in enumerate(weights.values())}
    return Step(index, count, 1.0, flat(0.0, 0.0), 0.7, 0.7, named or {"negative:0": 1.0})


def told(count: int, rule: Auto = RULE, /, **weights: float) -> list[list[str]]:
    """What is asked for beside the positive, step by step."""
    state, asked = None, list[list[str]]()
    for index in range(count):
        step = at(index, count, **weights)
        branches = rule.branches(step, state)
        asked.append([branch.side for branch in branches if branch.side != "positive"])
        _, state = rule.combine({branch.name: flat(1.0, 2.0) for branch in branches}, step, state)
    return asked


@pytest.mark.parametrize("count", [1, 2, 4, 8, 10, 12, 20, 50])
def test_four_evaluations_or_what_the_budget_has(count: int) -> None:
    asked = told(count, hat=1.0)
    assert sum(map(len, asked)) == min(4, max(2, int(0.4 * count)))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10, 20])
@pytest.mark.parametrize("terms", [2, 3, 10])
def test_every_side_is_measured_once_and_the_empty_prompt_as_often_as_ever(count: int, terms: int) -> None:
    asked = told(count, **{f"t{number}": 1.0 for number in range(terms)})
    sides = [side for together in asked for side in together if side != "empty"]
    assert sides == [f"joint:{number}" for number in range(min(terms, 3))]
    alone = told(count, hat=1.0)
    assert [("empty" in one) for one in asked] == [("empty" in one) for one in alone]


def test_when_the_empty_prompt_and_things_are_told() -> None:
    asked = told(20, hat=1.0, smoke=1.0)
    found = {index: sides for index, sides in enumerate(asked) if sides}
    assert found == {0: ["empty"], 1: ["joint:0", "joint:1"], 8: ["empty"], 14: ["empty"]}
    assert [index for index, sides in enumerate(told(10, hat=1.0)) if sides] == [0, 1, 4, 7]


def test_a_strength_that_begins_late_begins_with_the_empty_prompt() -> None:
    assert told(10, Auto(scale=3.0, strength=Window(0.5, 1.0))) == [[]] * 5 + [
        ["empty", "joint:0"],
        [],
        ["empty"],
        [],
        [],
    ]


def test_nothing_is_told_that_would_push_no_more() -> None:
    assert told(10, Auto(scale=3.0, strength=Window(0.7, 1.0))) == [[]] * 7 + [["empty"], [], []]


def test_more_than_three_things_share_sides() -> None:
    weights = {f"negative:{number}": float(number) for number in range(5)}
    assert joint_sides(weights) == {
        "joint:0": (3.0, ("negative:3",)),  # the first of its two weighs nothing
        "joint:1": (4.0, ("negative:1", "negative:4")),
        "joint:2": (2.0, ("negative:2",)),
    }


def kept(up: Tensor, *away: Tensor) -> Measurements:
    """With everything measured that is to be, till then."""
    return Measurements(up, 8, {f"joint:{n}": ((f"negative:{n}",), push) for n, push in enumerate(away)})


def guided(state: Measurements, index: int = 9, **weights: float) -> list[float]:
    """At scale 3, where the prompt says (4, 1)."""
    step = at(index, STEPS, **weights)
    found, after = RULE.combine({"positive": flat(4.0, 1.0)}, step, state)
    assert after == state or after is not None and after.up is state.up
    return found.flatten().tolist()


def test_pushes_are_used_until_they_are_measured_again() -> None:
    """|p_u| = 5, |p_j| = 1: (4, 1) + 1.2 * 2 (3, -4) + 2.8 * 3 (1.5 - 1) (0, -1)."""
    assert guided(kept(flat(3.0, -4.0), flat(0.0, -1.0))) == pytest.approx([11.2, -12.8])


def test_what_is_measured_again_takes_the_place_of_what_was_kept() -> None:
    before = Measurements(flat(3.0, -4.0), 0, {"joint:0": (("negative:0",), flat(0.0, -1.0))})
    told = {"positive": flat(4.0, 1.0), "empty": flat(1.0, 1.0)}
    found, after = RULE.combine(told, at(8), before)
    # |p_u| = 3, |p_j| = 1: as it is, being more than 0.3 * 3
    assert found.flatten().tolist() == pytest.approx([4.0 + 7.2, 0.0])
    assert after is not None and after.at == 8 and after.away == before.away


def test_what_the_prompt_would_hardly_bring_is_followed_as_it_is() -> None:
    """|p_j| = 2 is beyond 0.3 * 5; half the weight, half the push."""
    for weight in (1.0, 0.5):
        found = guided(kept(flat(3.0, -4.0), flat(0.0, -2.0)), hat=weight)
        assert found == pytest.approx([11.2, -8.6 - 2.0 * weight])


def test_the_pushes_away_are_together_not_quite_as_long_as_the_one_towards() -> None:
    found = guided(kept(flat(3.0, -4.0), flat(0.0, -8.0), flat(0.0, -9.0)), hat=1.0, smoke=1.0)
    assert found == pytest.approx([11.2, -8.6 - 0.9 * 12.0])


def test_when_it_is_decided_what_is_in_the_picture_nothing_is_pushed_away() -> None:
    state = kept(flat(3.0, -4.0), flat(0.0, -2.0))
    assert guided(state, index=13) == pytest.approx([11.2, -10.6])
    assert guided(state, index=14) == pytest.approx([11.2, -8.6])


def test_what_is_not_avoided_at_a_step_pushes_nothing() -> None:
    assert guided(kept(flat(3.0, -4.0), flat(0.0, -2.0)), hat=0.0) == pytest.approx([11.2, -8.6])


def test_what_it_evaluates_is_in_the_receipt(model: Model) -> None:
    receipt = model.generate("a cat", avoid="hat", rule="auto", steps=10).receipt
    assert receipt.evaluations == {"positive": 10, "empty": 3, "joint:0": 1}
    assert receipt.negative_acted and receipt.images[0].negative_steps == 1
    assert [term.channel for term in receipt.terms] == ["joint branch"]


def test_nothing_avoided_costs_nothing(model: Model) -> None:
    bare = model.generate("a cat", rule="auto", steps=10)
    assert bare.receipt.evaluations == {"positive": 10, "empty": 3} and not bare.receipt.negative_acted
    apart = model.generate("a cat", avoid="hat", rule="auto", steps=10)
    assert bare.receipt.images[0].sha256 != apart.receipt.images[0].sha256


def test_a_joint_side_is_the_prompt_with_one_thing_avoided(model: Model) -> None:
    asked = ns.Request(prompt="a [cat:dog:0.5]", avoid="hat, (text:1.3)", rule="auto", steps=4)
    casts = model.run(model.plan(asked)).lanes[0]._sides
    network = model.network()
    for index, subject in enumerate(("cat", "cat", "dog", "dog")):
        for side, thing in (("joint:0", "hat"), ("joint:1", "text")):
            (part,) = casts[index][side]
            expected = network.encoder.encode(parse(f"a {subject}, {thing}"))
            assert part.weight == 1.0 and torch.equal(part.conditioning.hidden, expected.hidden)


def test_things_that_share_a_side_keep_their_weights_towards_each_other(model: Model) -> None:
    asked = ns.Request(prompt="a cat", avoid="hat, boat, tree, (text:2)", rule="auto", steps=4)
    casts = model.run(model.plan(asked)).lanes[0]._sides
    expected = model.network().encoder.encode(parse("a cat, (hat:0.5), text"))
    assert torch.equal(casts[0]["joint:0"][0].conditioning.hidden, expected.hidden)


def test_outside_its_window_a_thing_is_not_told(model: Model) -> None:
    avoid = (ns.Avoid(term="hat", window=(0.0, 0.5)), ns.Avoid(term="text", weight=0.0))
    casts = (
        model.run(model.plan(ns.Request(prompt="a cat", avoid=avoid, rule="auto", steps=4))).lanes[0]._sides
    )
    expected = model.network().encoder.encode(parse("a cat, hat"))
    assert torch.equal(casts[0]["joint:0"][0].conditioning.hidden, expected.hidden)
    assert casts[3]["joint:0"] is casts[3]["positive"] and casts[0]["joint:1"] is casts[0]["positive"]


def test_what_was_never_learned_is_left_out() -> None:
    embedded = ns.load("embedded")
    told = [
        embedded.generate("a red house", avoid=avoid, rule="auto", steps=4).receipt
        for avoid in (None, "teapot")
    ]
    assert told[0].images[0].sha256 == told[1].images[0].sha256
    assert not told[1].negative_acted and "joint:0" not in told[1].evaluations
