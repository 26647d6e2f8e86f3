"""auto from its second step on, and the joint prompt that it is told, through the single path."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import negspace as ns
from negspace.generate import Model
from negspace.guidance import Step
from negspace.guidance.rules.auto import Auto, Measured, Measurements
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


@pytest.mark.parametrize("count", [8, 10, 12, 20, 50])
@pytest.mark.parametrize("terms", [1, 2, 3, 10])
def test_seven_evaluations_and_three_more_a_side_or_two_of_many(count: int, terms: int) -> None:
    asked = told(count, **{f"t{number}": 1.0 for number in range(terms)})
    assert sum(map(len, asked)) == 4 + (3 * terms if terms <= 3 else 2 * min(terms, 8))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10, 20])
@pytest.mark.parametrize("terms", [1, 2, 10])
def test_the_empty_prompt_is_measured_at_the_same_steps_whatever_is_avoided(count: int, terms: int) -> None:
    asked = told(count, **{f"t{number}": 1.0 for number in range(terms)})
    bare = told(count, hat=0.0)
    assert [("empty" in one) for one in asked] == [("empty" in one) for one in bare]


def test_when_the_empty_prompt_and_things_are_told() -> None:
    found = {index: sides for index, sides in enumerate(told(20, hat=1.0, smoke=1.0)) if sides}
    assert found == {
        0: ["empty", "alone:0", "alone:1", "joint:0", "joint:1"],
        4: ["empty", "joint:0", "joint:1"],
        8: ["empty"],
        14: ["empty"],
    }
    assert [index for index, sides in enumerate(told(10, hat=1.0)) if sides] == [0, 2, 4, 7]


def test_a_strength_that_begins_late_begins_with_everything() -> None:
    assert told(10, Auto(scale=3.0, strength=Window(0.5, 1.0))) == [[]] * 5 + [
        ["empty", "alone:0", "joint:0"],
        [],
        ["empty"],
        [],
        [],
    ]


def test_nothing_is_told_that_would_push_no_more() -> None:
    assert told(10, Auto(scale=3.0, strength=Window(0.7, 1.0))) == [[]] * 7 + [["empty"], [], []]


def test_a_thing_that_comes_later_is_measured_then_and_the_push_towards_stays() -> None:
    before = kept(flat(3.0, -4.0))
    told = {"positive": flat(4.0, 1.0), "empty": flat(9.0, 1.0), "alone:0": flat(9.0, 11.0)}
    _, after = RULE.combine({**told, "joint:0": flat(4.0, 3.0)}, at(9), before)
    assert after is not None and after.up is before.up and after.at == before.at
    assert after.away["joint:0"].length.item() == 10.0
    assert after.away["joint:0"].push.flatten().tolist() == [0.0, -2.0]


def test_more_than_eight_things_share_sides() -> None:
    weights = {f"negative:{number}": float(number) for number in range(10)}
    assert joint_sides(weights) == {
        "joint:0": (8.0, ("negative:8",)),  # the first of its two weighs nothing
        "joint:1": (9.0, ("negative:1", "negative:9")),
        **{f"joint:{number}": (float(number), (f"negative:{number}",)) for number in range(2, 8)},
    }


def away(number: int, length: float, *push: float) -> Measured:
    return Measured((f"negative:{number}",), flat(length), flat(*push), 8)


def kept(up: Tensor, *measured: Measured) -> Measurements:
    """With everything measured that is to be."""
    return Measurements(up, 14, {f"joint:{number}": one for number, one in enumerate(measured)})


def guided(state: Measurements, index: int = 9, **weights: float) -> list[float]:
    """At scale 3, where the prompt says (4, 1): (11.2, -8.6) without anything to push away."""
    found, after = RULE.combine({"positive": flat(4.0, 1.0)}, at(index, STEPS, **weights), state)
    assert after == state or after is not None and after.up is state.up
    return found.flatten().tolist()


UP = flat(3.0, -4.0)
BARE = (11.2, -8.6)


def test_what_is_nearly_sure_to_come_is_pushed_by_the_geometric_mean() -> None:
    """q = 16, |p| = 1: 2 * 6 * sqrt(16) (0.5, -0.5), p without its mean."""
    assert guided(kept(UP, away(0, 16.0, 0.0, -1.0))) == pytest.approx([BARE[0] + 24, BARE[1] - 24])


@pytest.mark.parametrize(("length", "evidence"), [(2.0, 0.25), (2.5, 0.5), (5.0, 1.0), (8.0, 1.0)])
def test_the_likelier_the_more(length: float, evidence: float) -> None:
    push = 6.0 * evidence * length**0.5
    assert guided(kept(UP, away(0, length, 0.0, -1.0))) == pytest.approx([BARE[0] + push, BARE[1] - push])


def test_what_would_hardly_come_is_not_pushed() -> None:
    for length in (0.0, 0.5, 1.0, 1.6):
        assert guided(kept(UP, away(0, length, 0.0, -1.0))) == pytest.approx(BARE)


def test_half_the_weight_is_half_the_push() -> None:
    found = guided(kept(UP, away(0, 16.0, 0.0, -1.0)), hat=0.5)
    assert found == pytest.approx([BARE[0] + 12, BARE[1] - 12])


def test_several_pushes_are_together_as_long_as_the_longest_could_be() -> None:
    """Each is 2 * 6 sqrt(10 * 2) / sqrt(2), 38 long; one could be 2 * 6 sqrt(0.2) 10, 53.7 long."""
    found = guided(kept(UP, away(0, 10.0, 0.0, -2.0), away(1, 10.0, 0.0, -2.0)), hat=1.0, smoke=1.0)
    side = 12 * 0.2**0.5 * 10 / 2**0.5
    assert found == pytest.approx([BARE[0] + side, BARE[1] - side])


def test_what_is_measured_again_takes_the_place_of_what_was_kept() -> None:
    before = kept(UP, away(0, 16.0, 0.0, -1.0))
    early = Measurements(before.up, 0, {side: replace(one, at=0) for side, one in before.away.items()})
    told = {"positive": flat(4.0, 1.0), "empty": flat(1.0, 1.0), "joint:0": flat(4.0, 1.0)}
    found, after = RULE.combine(told, at(8), early)
    assert found.flatten().tolist() == pytest.approx([4.0 + 7.2, 1.0])
    assert after is not None and after.at == 8 and after.away["joint:0"].at == 8
    assert after.away["joint:0"].length is early.away["joint:0"].length


def test_when_it_is_decided_what_is_in_the_picture_nothing_is_pushed_away() -> None:
    state = kept(UP, away(0, 16.0, 0.0, -1.0))
    assert guided(state, index=13) == pytest.approx([BARE[0] + 24, BARE[1] - 24])
    assert guided(state, index=14) == pytest.approx(BARE)


def test_what_is_not_avoided_at_a_step_pushes_nothing() -> None:
    assert guided(kept(UP, away(0, 16.0, 0.0, -1.0)), hat=0.0) == pytest.approx(BARE)


def test_what_it_evaluates_is_in_the_receipt(model: Model) -> None:
    receipt = model.generate("a cat", avoid="hat", rule="auto", steps=10).receipt
    assert receipt.evaluations == {"positive": 10, "empty": 4, "alone:0": 1, "joint:0": 2}
    assert receipt.images[0].negative_steps == 2
    assert [term.channel for term in receipt.terms] == ["joint branch"]


def test_nothing_avoided_costs_nothing(model: Model) -> None:
    bare = model.generate("a cat", rule="auto", steps=10)
    assert bare.receipt.evaluations == {"positive": 10, "empty": 4} and not bare.receipt.negative_acted


def test_a_joint_side_is_the_prompt_with_one_thing_avoided(model: Model) -> None:
    asked = ns.Request(prompt="a [cat:dog:0.5]", avoid="hat, (text:1.3)", rule="auto", steps=4)
    casts = model.run(model.plan(asked)).lanes[0]._sides
    network = model.network()
    for index, subject in enumerate(("cat", "cat", "dog", "dog")):
        for side, thing in (("joint:0", "hat"), ("joint:1", "text")):
            for name, text in ((side, f"a {subject}, {thing}"), (f"alone{side[-2:]}", thing)):
                (part,) = casts[index][name]
                expected = network.encoder.encode(parse(text))
                assert part.weight == 1.0 and torch.equal(part.conditioning.hidden, expected.hidden)


def test_things_that_share_a_side_keep_their_weights_towards_each_other(model: Model) -> None:
    others = "boat, tree, house, snow, smoke, collar, hand"
    asked = ns.Request(prompt="a cat", avoid=f"hat, {others}, (text:2)", rule="auto", steps=4)
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
    assert casts[3]["alone:0"] is casts[3]["empty"]


def test_what_comes_is_pushed_and_what_would_not_come_changes_nothing() -> None:
    embedded = ns.load("embedded")
    bare, hat, fish = (
        embedded.generate("a snowman", avoid=avoid, rule="auto", steps=4, seed=3).receipt
        for avoid in (None, "hat", "fish")
    )
    assert hat.negative_acted and hat.images[0].sha256 != bare.images[0].sha256
    assert not fish.negative_acted and fish.images[0].sha256 == bare.images[0].sha256


def test_what_was_never_learned_is_left_out() -> None:
    embedded = ns.load("embedded")
    told = [
        embedded.generate("a red house", avoid=avoid, rule="auto", steps=4).receipt
        for avoid in (None, "teapot")
    ]
    assert told[0].images[0].sha256 == told[1].images[0].sha256
    assert not told[1].negative_acted and "joint:0" not in told[1].evaluations
