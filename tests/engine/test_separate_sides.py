"""Separate terms, each a side of its own: through the single path, with a rule that needs them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, final

import pytest
import torch
from torch import Tensor

import negspace as ns
from negspace.generate import Model, Run
from negspace.guidance import RULES, Branch, Rule, Step
from negspace.guidance.base import setting


@final
@dataclass(frozen=True)
class Each(Rule[None]):
    """d_u + w (d_c - sum w_j d_nj): things avoided one by one, those without weight not asked for."""

    name, formula, paper, space = "each", "d", "none", "any"
    delivery, acts_at_scale_1 = "terms", True

    scale: float = setting(2.0, "w")

    def off(self) -> Self:
        return self

    def init(self) -> None:
        return None

    def branches(self, step: Step, state: None) -> tuple[Branch, ...]:
        sides = [side for side, weight in step.negatives.items() if weight]
        return tuple(Branch(side, side) for side in ("positive", "empty", *sides))

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: None) -> tuple[Tensor, None]:
        push = predictions["positive"] - predictions["empty"]
        for side, weight in step.negatives.items():
            if side in predictions:
                push = push - weight * (predictions[side] - predictions["empty"])
        return predictions["empty"] + self.scale * push, None


@pytest.fixture
def model(tiny_sd: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    for module in ("negspace.guidance.text", "negspace.planning.rule"):
        monkeypatch.setattr(f"{module}.RULES", {**RULES, "each": Each})
    loaded = ns.load(tiny_sd, dtype="float32")
    loaded._facts = ns.ModelFacts(**{**loaded.facts.__dict__, "rules": ("cfg", "each")})
    return loaded


def run(model: Model, avoid: Any, **fields: Any) -> Run:
    return model.run(model.plan(ns.Request(prompt="a cat", avoid=avoid, rule="each", **fields)))


def test_every_thing_avoided_has_its_own_evaluations(model: Model) -> None:
    result = run(model, "hat, (text:1.5), smoke").result()
    receipt = result.receipt
    names = ("positive", "empty", "negative:0", "negative:1", "negative:2")
    assert receipt.evaluations == dict.fromkeys(names, 4)
    assert receipt.negative_acted and receipt.images[0].negative_steps == 4
    assert all(push is not None and push > 0 for push in receipt.images[0].push)
    assert [term.channel for term in receipt.terms] == ["own branch"] * 3
    assert [term.tokens for term in receipt.terms] == [("hat</w>",), ("text</w>",), ("smoke</w>",)]


def test_a_thing_is_told_as_if_it_were_the_negative(model: Model) -> None:
    """The side of one term says what the negative says of that term alone; the weight is not in the text."""
    told = run(model, "(hat:1.5)").lanes[0].rows()[2].conditionings[0]
    (alone,) = model.run(model.plan(ns.Request(prompt="a cat", avoid="hat", rule="cfg", scale=2))).lanes
    assert torch.equal(told.hidden, alone.rows()[1].conditionings[0].hidden)


def test_weights_and_windows_come_with_the_step(model: Model) -> None:
    avoid = (ns.Avoid(term="hat", weight=1.5, window=(0, 0.5)), ns.Avoid(term="text"))
    run_ = run(model, avoid, steps=4)
    negatives = run_._prepared.encoded.negatives(4)
    assert (
        negatives
        == [{"negative:0": 1.5, "negative:1": 1.0}] * 2 + [{"negative:0": 0.0, "negative:1": 1.0}] * 2
    )
    receipt = run_.result().receipt
    assert receipt.evaluations == {"positive": 4, "empty": 4, "negative:0": 2, "negative:1": 4}
    assert run(model, "[hat::0.5]", steps=4)._prepared.encoded.negatives(8)[3:5] == [
        {"negative:0": 1.0},
        {"negative:0": 0.0},
    ]


def test_a_time_in_which_nothing_is_avoided_is_not_counted(model: Model) -> None:
    late = run(model, (ns.Avoid(term="hat", window=(0.75, 1)),), steps=4).result().receipt
    assert late.images[0].negative_steps == 1
    assert [push is None for push in late.images[0].push] == [True, True, True, False]
    never = run(model, (ns.Avoid(term="hat", window=(0.9, 0.95)),), steps=4).result().receipt
    assert not never.negative_acted and "holds none of the steps" in str(never.why_not)


def test_terms_are_encoded_only_when_asked_for(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = model.network().encoder
    read: list[str] = []
    encode = encoder.encode
    monkeypatch.setattr(
        encoder, "encode", lambda prompt, *more: read.append(prompt.source) or encode(prompt, *more)
    )
    model.run(model.plan(ns.Request(prompt="a cat", avoid="hat, smoke"))).result()
    assert sorted(read) == ["a cat", "hat, smoke"]
    read.clear()
    many = run(model, "hat, smoke", n=2)
    assert sorted(read) == ["a cat", "hat, smoke"]
    many.result()
    assert sorted(read) == ["a cat", "hat", "hat, smoke", "smoke"]


def test_the_push_is_that_of_all_together(model: Model) -> None:
    run_ = run(model, "hat, (text:0.5)")
    positive, empty, hat, text = model.network().predict(run_.lanes[0].rows())
    together = torch.linalg.vector_norm((hat - empty) + 0.5 * (text - empty)).item()
    assert run_.result().receipt.images[0].push[0] == pytest.approx(together, rel=1e-4)
    assert positive.shape == empty.shape


def test_a_long_prompt_brings_its_terms_to_its_length(model: Model) -> None:
    (lane,) = run(model, "hat", steps=2).lanes
    (long,) = model.run(
        model.plan(ns.Request(prompt="a tree " * 60, avoid="hat", rule="each", steps=2))
    ).lanes
    assert {row.conditionings[0].windows for row in lane.rows()} == {1}
    assert {row.conditionings[0].windows for row in long.rows()} == {2}


# Effective strengths


def test_the_effective_strengths_of_guidance_are_its_scale(tiny_sd: Path) -> None:
    """cfg at w: omega_pos is w, omega_neg w - 1, nothing is left; traced, the picture is the same."""
    model = ns.load(tiny_sd, dtype="float32")
    asked = {"avoid": "hat", "scale": 3.0, "steps": 3}
    plain = model.generate("a cat", **asked)
    traced = model.generate("a cat", rule="traced", **asked)
    assert torch.equal(plain.latents, traced.latents)
    assert plain.receipt.images[0].omega == (None,) * 3
    assert traced.receipt.evaluations == {"positive": 3, "negative": 3, "empty": 3}
    for omega in traced.receipt.images[0].omega:
        assert omega is not None
        assert (omega.positive, omega.negative) == pytest.approx((3, 2), abs=1e-3)
        assert omega.residual == pytest.approx(0, abs=1e-3)
    assert "mean omega 3, -2" in traced.receipt.summary()


def test_without_a_negative_the_empty_prompt_tells_them_for_nothing(tiny_sd: Path) -> None:
    model = ns.load(tiny_sd, dtype="float32")
    for rule in ("cfg", "traced"):
        record = model.generate("a cat", rule=rule, scale=3.0, steps=2).receipt
        assert sum(record.evaluations.values()) == 4
        for omega in record.images[0].omega:
            assert omega is not None
            assert (omega.positive, omega.negative) == pytest.approx((3, 0), abs=1e-3)


def test_what_rides_in_the_attention_is_traced_against_the_plain_prediction(tiny_sd: Path) -> None:
    model = ns.load(tiny_sd, dtype="float32")
    asked = {"avoid": "hat", "steps": 2}
    riding = model.generate("a cat", rule="nag", **asked)
    traced = model.generate("a cat", rule="traced(nag)", **asked)
    assert torch.equal(riding.latents, traced.latents)
    assert riding.receipt.images[0].omega == (None, None)
    assert traced.receipt.evaluations == {"positive": 2, "plain": 2, "empty": 2, "negative": 2}
    assert all(omega is not None and omega.residual > 0 for omega in traced.receipt.images[0].omega)
    off = model.generate("a cat", rule="traced", scale=1.0, **asked).receipt
    assert off.evaluations == {"positive": 2} and off.images[0].omega == (None, None)
