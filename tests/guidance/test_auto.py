"""auto from its second step on, and the joint prompt that it is told, through the single path."""

from math import ceil
from pathlib import Path

import pytest
import torch
from torch import Tensor

import negspace as ns
from negspace.generate import Model
from negspace.guidance import Step
from negspace.guidance.auto import Auto, Kept
from negspace.prompt import parse

STEPS = 20


@pytest.fixture
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def flat(*values: float) -> Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


def at(index: int, count: int = STEPS) -> Step:
    return Step(index, count, 1.0, flat(0.0, 0.0), 0.7, 0.7, {"negative:0": 1.0})


def kept(lean: float, spent: int = 2) -> Kept:
    """At a = s = 0.7 the network's v of 0 is x0 = 0."""
    seen = flat(0.0, 0.0), flat(0.0, 0.5)
    return Kept(flat(1.0, -1.0), flat(0.0, -0.25), seen, torch.full((1, 1, 1, 1), lean), spent, 1)


@pytest.mark.parametrize("count", [1, 4, 10, 20, 50])
def test_the_budget_is_kept(count: int) -> None:
    rule, state, asked = Auto(scale=3.0), None, list[str]()
    for index in range(count):
        branches = rule.branches(at(index, count), state)
        asked += [branch.side for branch in branches if branch.side != "positive"]
        _, state = rule.combine({branch.name: flat(1.0, 2.0) for branch in branches}, at(index, count), state)
    assert len(asked) == max(2, ceil(0.4 * count))
    assert abs(asked.count("joint") - asked.count("empty")) <= 1


def test_pushes_are_used_until_they_are_measured_again() -> None:
    """(4, 1) + 2 (1, -1) + 4 (0, -0.25)."""
    guided, _ = Auto(scale=3.0).combine({"positive": flat(4.0, 1.0)}, at(9), kept(0.0, 8))
    assert guided.flatten().tolist() == [6.0, -2.0]


def test_a_picture_on_its_way_is_pushed_more() -> None:
    """v of (0, -0.36) is x0 of 0.7 * 0.36 / 0.98: half the length of what was avoided, towards it; g = 1.5.

    The new p_j is (0, -0.25): (0, c) + 2 (1, -1) + 4 * 1.5 (0, -0.25).
    """
    c = -0.25 * 0.98 / 0.7
    told = {"positive": flat(0.0, c), "joint": flat(0.0, c + 0.25)}
    guided, after = Auto(scale=3.0).combine(told, at(1), kept(0.0))
    assert after is not None and after.lean.item() == pytest.approx(0.5) and after.spent == 3
    assert guided.flatten().tolist() == pytest.approx([2.0, c - 2.0 - 1.5])


def test_a_picture_that_goes_elsewhere_is_left_alone() -> None:
    """Moved away by its whole length or more: g = 0."""
    guided, _ = Auto(scale=3.0).combine({"positive": flat(2.0, 0.0)}, at(9), kept(-1.5, 8))
    assert guided.flatten().tolist() == [4.0, -2.0]


def test_the_push_away_is_no_longer_than_the_one_towards() -> None:
    """g is at most 3: 4 * 3 (0, -0.25) = (0, -3), longer than |2 (1, -1)| = 2.83."""
    guided, _ = Auto(scale=3.0).combine({"positive": flat(2.0, 0.0)}, at(9), kept(9.0, 8))
    assert guided.flatten().tolist() == pytest.approx([4.0, -2.0 - 8**0.5])


def test_what_it_evaluates_is_in_the_receipt(model: Model) -> None:
    receipt = model.generate("a cat", avoid="hat", rule="auto", steps=10).receipt
    assert receipt.evaluations == {"positive": 10, "empty": 2, "joint": 2}
    assert receipt.negative_acted and receipt.images[0].told == 2
    assert [term.told for term in receipt.terms] == ["joint branch"]


def test_nothing_avoided_costs_nothing(model: Model) -> None:
    bare = model.generate("a cat", rule="auto", steps=10)
    assert bare.receipt.evaluations == {"positive": 10, "empty": 2} and not bare.receipt.negative_acted
    apart = model.generate("a cat", avoid="hat", rule="auto", steps=10)
    assert bare.receipt.images[0].sha256 != apart.receipt.images[0].sha256


def test_the_joint_side_is_the_prompt_with_what_is_avoided(model: Model) -> None:
    asked = ns.Request(prompt="a [cat:dog:0.5]", avoid="hat, (text:1.3)", rule="auto", steps=4)
    casts = model.run(asked).lanes[0]._casts
    network = model.network()
    for index, subject in enumerate(("cat", "cat", "dog", "dog")):
        (part,) = casts[index]["joint"]
        expected = network.encoder.encode(parse(f"a {subject}, hat, (text:1.3)"))
        assert part.weight == 1.0 and torch.equal(part.conditioning.hidden, expected.hidden)


def test_outside_its_window_a_thing_is_not_told(model: Model) -> None:
    avoid = (ns.Avoid(term="hat", window=(0.0, 0.5)), ns.Avoid(term="text", weight=0.0))
    casts = model.run(ns.Request(prompt="a cat", avoid=avoid, rule="auto", steps=4)).lanes[0]._casts
    expected = model.network().encoder.encode(parse("a cat, hat"))
    assert torch.equal(casts[0]["joint"][0].conditioning.hidden, expected.hidden)
    assert casts[3]["joint"] is casts[3]["positive"]


def test_what_was_never_learned_is_left_out() -> None:
    embedded = ns.load("embedded")
    told = [
        embedded.generate("a red house", avoid=avoid, rule="auto", steps=4).receipt
        for avoid in (None, "teapot")
    ]
    assert told[0].images[0].sha256 == told[1].images[0].sha256
    assert not told[1].negative_acted and "joint" not in told[1].evaluations
