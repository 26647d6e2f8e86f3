"""auto from its second step on, and the joint prompt that it is told, through the single path."""

from itertools import chain
from math import ceil
from pathlib import Path

import pytest
import torch
from torch import Tensor

import negspace as ns
from negspace.generate import Model
from negspace.guidance import Step
from negspace.guidance.auto import Auto, Kept
from negspace.guidance.avoiding import joined
from negspace.prompt import parse

STEPS = 20


@pytest.fixture
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def flat(*values: float) -> Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


def at(index: int, count: int = STEPS, **weights: float) -> Step:
    named = {f"negative:{number}": weight for number, weight in enumerate(weights.values())}
    return Step(index, count, 1.0, flat(0.0, 0.0), 0.7, 0.7, named or {"negative:0": 1.0})


def told(count: int, **weights: float) -> list[list[str]]:
    """What is asked for beside the positive, step by step."""
    rule, state, asked = Auto(scale=3.0), None, list[list[str]]()
    for index in range(count):
        step = at(index, count, **weights)
        branches = rule.branches(step, state)
        asked.append([branch.side for branch in branches if branch.side != "positive"])
        _, state = rule.combine({branch.name: flat(1.0, 2.0) for branch in branches}, step, state)
    return asked


@pytest.mark.parametrize("count", [1, 4, 10, 20, 50])
@pytest.mark.parametrize("terms", [1, 2, 3, 10])
def test_the_budget_is_kept(count: int, terms: int) -> None:
    asked = told(count, **{f"t{number}": 1.0 for number in range(terms)})
    assert sum(map(len, asked)) == max(2, ceil(0.4 * count))


def test_things_take_turns_and_the_empty_prompt_every_other() -> None:
    asked = told(20, hat=1.0, smoke=1.0)
    first, second, empty = "joint:0", "joint:1", "empty"
    assert asked[0] == [empty, first]
    assert [*chain(*asked[1:])] == [second, empty, first, empty, second, empty]
    assert all(not sides for sides in asked[2:12:2]) and not any(asked[12:])


def test_more_than_three_things_share_sides() -> None:
    weights = {f"negative:{number}": float(number) for number in range(5)}
    assert joined(weights) == {
        "joint:0": (3.0, ("negative:3",)),  # the first of its two weighs nothing
        "joint:1": (4.0, ("negative:1", "negative:4")),
        "joint:2": (2.0, ("negative:2",)),
    }


def test_pushes_are_used_until_they_are_measured_again() -> None:
    """|p_u| = 5, |p_j| = 1: (4, 1) + 2 (3, -4) + 2.4 * 3 (1.5 - 1) (0, -1)."""
    kept = Kept(flat(3.0, -4.0), {"joint:0": flat(0.0, -1.0)}, 8)
    guided, after = Auto(scale=3.0).combine({"positive": flat(4.0, 1.0)}, at(9), kept)
    assert guided.flatten().tolist() == pytest.approx([10.0, -10.6])
    assert after is not None and after.age == 9


def test_what_the_prompt_would_hardly_bring_is_followed_as_it_is() -> None:
    """|p_j| = 2 is beyond 0.3 * 5; half the weight, half the push."""
    kept = Kept(flat(3.0, -4.0), {"joint:0": flat(0.0, -2.0)}, 8)
    for weight in (1.0, 0.5):
        guided, _ = Auto(scale=3.0).combine({"positive": flat(4.0, 1.0)}, at(9, hat=weight), kept)
        assert guided.flatten().tolist() == pytest.approx([10.0, -7.0 - 2.0 * weight])


def test_the_pushes_away_are_together_no_longer_than_the_one_towards() -> None:
    kept = Kept(flat(3.0, -4.0), {"joint:0": flat(0.0, -8.0), "joint:1": flat(0.0, -9.0)}, 8)
    guided, _ = Auto(scale=3.0).combine({"positive": flat(4.0, 1.0)}, at(9, hat=1.0, smoke=1.0), kept)
    assert guided.flatten().tolist() == pytest.approx([10.0, -7.0 - 10.0])


def test_what_is_not_avoided_at_a_step_pushes_nothing() -> None:
    kept = Kept(flat(3.0, -4.0), {"joint:0": flat(0.0, -2.0)}, 8)
    guided, _ = Auto(scale=3.0).combine({"positive": flat(4.0, 1.0)}, at(9, hat=0.0), kept)
    assert guided.flatten().tolist() == pytest.approx([10.0, -7.0])


def test_what_it_evaluates_is_in_the_receipt(model: Model) -> None:
    receipt = model.generate("a cat", avoid="hat", rule="auto", steps=10).receipt
    assert receipt.evaluations == {"positive": 10, "empty": 2, "joint:0": 2}
    assert receipt.negative_acted and receipt.images[0].told == 2
    assert [term.told for term in receipt.terms] == ["joint branch"]


def test_nothing_avoided_costs_nothing(model: Model) -> None:
    bare = model.generate("a cat", rule="auto", steps=10)
    assert bare.receipt.evaluations == {"positive": 10, "empty": 2} and not bare.receipt.negative_acted
    apart = model.generate("a cat", avoid="hat", rule="auto", steps=10)
    assert bare.receipt.images[0].sha256 != apart.receipt.images[0].sha256


def test_a_joint_side_is_the_prompt_with_one_thing_avoided(model: Model) -> None:
    asked = ns.Request(prompt="a [cat:dog:0.5]", avoid="hat, (text:1.3)", rule="auto", steps=4)
    casts = model.run(asked).lanes[0]._casts
    network = model.network()
    for index, subject in enumerate(("cat", "cat", "dog", "dog")):
        for side, thing in (("joint:0", "hat"), ("joint:1", "text")):
            (part,) = casts[index][side]
            expected = network.encoder.encode(parse(f"a {subject}, {thing}"))
            assert part.weight == 1.0 and torch.equal(part.conditioning.hidden, expected.hidden)


def test_things_that_share_a_side_keep_their_weights_towards_each_other(model: Model) -> None:
    asked = ns.Request(prompt="a cat", avoid="hat, b, c, (text:2)", rule="auto", steps=4)
    casts = model.run(asked).lanes[0]._casts
    expected = model.network().encoder.encode(parse("a cat, (hat:0.5), text"))
    assert torch.equal(casts[0]["joint:0"][0].conditioning.hidden, expected.hidden)


def test_outside_its_window_a_thing_is_not_told(model: Model) -> None:
    avoid = (ns.Avoid(term="hat", window=(0.0, 0.5)), ns.Avoid(term="text", weight=0.0))
    casts = model.run(ns.Request(prompt="a cat", avoid=avoid, rule="auto", steps=4)).lanes[0]._casts
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
