"""The single path on the tiny model: identities, exactness, the receipt."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import negspace as ns
from negspace import png
from negspace.cli.receipt import acted
from negspace.engine import BatchesUpTo, Engine
from negspace.errors import NegspaceError
from negspace.generate import DtypeName, Model, Result
from negspace.guidance import make
from negspace.receipt import Receipt

DTYPES: tuple[DtypeName, ...] = ("float32", "bfloat16")


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def same(first: Result, second: Result) -> bool:
    return torch.equal(first.latents, second.latents) and [image.tobytes() for image in first.images] == [
        image.tobytes() for image in second.images
    ]


# Identities


def test_a_rule_is_taken_wherever_its_text_is(model: Model) -> None:
    rule = make("rescale(perp_neg(strength=window(0.2, 0.6)), phi=0.5)", scale=3.0)
    text = "rescale(perp_neg(scale=3, strength=window(0.2, 0.6)), phi=0.5)"
    asked = ns.Request.from_dict({"prompt": "a red cat", "avoid": "hat", "rule": rule, "steps": 4})
    assert asked.rule is not None and make(asked.rule) == make(text) == rule
    assert ns.Request.from_json(asked.to_json()) == asked
    told = [model.generate("a red cat", avoid="hat", rule=one, steps=4) for one in (rule, text)]
    assert same(told[0], told[1]) and same(told[0], model.run(model.plan(asked)).result())


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_a_a_pair_is_identical_bit_for_bit(sd_folder: Path, dtype: DtypeName) -> None:
    asked = {"avoid": "blurry, (hat:1.3)", "seed": 3, "n": 2, "dtype": dtype}
    first = ns.load(sd_folder).generate("a red cat", **asked)
    second = ns.load(sd_folder).generate("a red cat", **asked)
    assert same(first, second)
    assert first.receipt == second.receipt


MIXED = (
    ns.Request(prompt="a red cat", avoid="blurry", seed=5, steps=4),
    ns.Request(prompt="a blue house, snow", seed=6, steps=7, scale=2.5, sampler="Euler a"),
    ns.Request(prompt="a tree " * 60, avoid="hat", seed=7, steps=3, sampler="DDIM"),
    ns.Request(prompt="a boat", avoid="text", seed=8, steps=4, scale=1.0, sampler="UniPC"),
    ns.Request(prompt="a [cat:house:0.5] AND snow :0.5", avoid="[hat::0.5] blurry", seed=9, steps=4),
    ns.Request(prompt="a (red:1.3) boat", seed=10, scale=1.0, steps=5, sampler="Heun"),
)


def drive(model: Model, *requests: ns.Request) -> tuple[list[torch.Tensor], Engine]:
    """The latents of requests that went through one engine together, and that engine."""
    engine = Engine(model.network())
    lanes = [lane for request in requests for lane in model.run(model.plan(request)).lanes]
    for _ in engine.run(lanes):
        pass
    return [lane.x for lane in lanes], engine


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_request_alone_equals_itself_in_a_batch(sd_folder: Path, dtype: DtypeName, threads: int) -> None:
    """Other prompts, lengths, negatives, scales, step counts, samplers in one engine: not one bit changes."""
    model = ns.load(sd_folder, dtype=dtype)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        alone = [drive(model, request) for request in MIXED]
        together, shared = drive(model, *MIXED)
        backward, _ = drive(model, *reversed(MIXED))
    finally:
        torch.set_num_threads(before)
    for latents, other, ([single], _) in zip(together, reversed(backward), alone, strict=True):
        assert torch.equal(latents, single) and torch.equal(other, single)
    assert shared.evaluations == sum(engine.evaluations for _, engine in alone)
    assert shared.forwards < sum(engine.forwards for _, engine in alone), "no forward was shared"


def test_many_requests_at_once_give_what_each_gives_alone(model: Model) -> None:
    requests = [
        ns.Request(prompt="a red cat", avoid="blurry", seed=5, steps=4),
        ns.Request(prompt="a blue house", seed=6, steps=6, scale=1.0, n=2),
        ns.Request(prompt="a tree", seed=7, steps=3, dtype="float32"),
    ]
    for request, result in zip(requests, model.generate_all(requests), strict=True):
        alone = model.run(model.plan(request)).result()
        assert torch.equal(result.latents, alone.latents)
        assert result.receipt == alone.receipt


def test_pictures_of_one_request_equal_those_of_their_seeds(model: Model) -> None:
    several = model.generate("a red cat", avoid="blurry", seed=11, n=3)
    for i, seed in enumerate((11, 12, 13)):
        assert torch.equal(
            several.latents[i], model.generate("a red cat", avoid="blurry", seed=seed).latents[0]
        )


def test_a_fitted_batch_is_equal_to_float_tolerance(tiny_sd: Path, model: Model) -> None:
    wide = ns.load(tiny_sd, dtype="float32", batching=BatchesUpTo(16))
    fitted = wide.generate("a red cat", avoid="blurry", n=4)
    assert (fitted.latents - model.generate("a red cat", avoid="blurry", n=4).latents).abs().max() < 1e-4


def test_scale_1_equals_the_prompt_alone_and_runs_no_negative(model: Model) -> None:
    with_negative = model.generate("a red cat", avoid="blurry", scale=1.0)
    without = model.generate("a red cat", scale=1.0)
    assert same(with_negative, without)
    assert with_negative.receipt.evaluations == {"positive": 4}
    assert with_negative.receipt.images[0].push == (None,) * 4
    assert not with_negative.receipt.negative_acted
    assert "scale is 1" in str(with_negative.receipt.why_not)


@pytest.mark.parametrize("scale", [0.5, 4.0, 12.0])
def test_the_same_text_on_both_sides_equals_scale_1(model: Model, scale: float) -> None:
    """The picture without it would be another one, so it acted; that nothing is avoided is found."""
    both = model.generate("a red cat", avoid="a red cat", scale=scale)
    assert (both.latents - model.generate("a red cat", scale=1.0).latents).abs().max() < 1e-5
    assert (both.latents - model.generate("a red cat", scale=scale).latents).abs().max() > 1e-3
    assert both.receipt.negative_acted
    assert any("the same as the prompt" in finding.text for finding in both.receipt.findings)


@pytest.mark.parametrize("sampler", ["DDIM", "Heun"])
def test_schedules_and_receipts_count_steps(model: Model, sampler: str) -> None:
    """AUTOMATIC1111 7508: a sampler of second order evaluates a step twice, and takes it once."""
    receipt = model.generate("a cat", avoid="[hat::0.5]", sampler=sampler, steps=10).receipt
    assert receipt.images[0].negative_steps == receipt.terms[0].steps == 5
    assert (receipt.steps_taken, acted(receipt)) == (10, "yes, in 5 of 10 steps")
    windowed = model.generate("a cat", avoid="hat", rule="cfg(strength=window(0, 0.35))", sampler=sampler)
    assert windowed.receipt.images[0].negative_steps == 2, "of four steps those at 0 and at a quarter"
    evaluated = 4 if sampler == "Heun" else 2
    assert windowed.receipt.evaluations["negative"] == evaluated


def test_no_negative_equals_the_empty_prompt_as_negative(model: Model) -> None:
    absent, empty, blank = (model.generate("a red cat", avoid=avoid) for avoid in (None, "", "  "))
    assert same(absent, empty) and same(absent, blank)
    assert absent.receipt.request.avoid is None and empty.receipt.request.avoid == ""
    assert absent.receipt.negative.text is None and empty.receipt.negative.text == ""
    assert absent.receipt.why_not != empty.receipt.why_not


def test_a_negative_acts(model: Model) -> None:
    plain, steered = model.generate("a red cat"), model.generate("a red cat", avoid="blurry")
    assert (plain.latents - steered.latents).abs().max() > 1e-3
    assert steered.receipt.negative_acted and steered.receipt.why_not is None
    assert all(push is not None and push > 0 for push in steered.receipt.images[0].push)


def test_terms_told_all_the_time_equal_the_text(model: Model) -> None:
    terms = (ns.Avoid(term="blurry"), ns.Avoid(term="hat", weight=1.3))
    assert same(
        model.generate("a red cat", avoid=terms), model.generate("a red cat", avoid="blurry, (hat:1.3)")
    )


# What is told when


def test_a_window_tells_its_term_in_its_steps_only(model: Model) -> None:
    early = model.generate("a red cat", avoid=[ns.Avoid(term="blurry", window=(0, 0.5))])
    assert early.receipt.evaluations == {"positive": 4, "negative": 2, "empty": 2}
    assert [push is None for push in early.receipt.images[0].push] == [False, False, True, True]
    assert same(early, model.generate("a red cat", avoid="[blurry::0.5]"))


def test_a_schedule_in_the_prompt_is_followed(model: Model) -> None:
    changed = model.generate("a red [cat:house:2]", steps=4)
    assert not same(changed, model.generate("a red cat", steps=4))
    assert not same(changed, model.generate("a red house", steps=4))
    assert same(changed, model.generate("a red [cat:house:0.5]", steps=4))
    assert same(model.generate("a red [cat:house:0]"), model.generate("a red house"))


def test_a_sum_of_one_part_is_that_part_and_an_empty_part_is_nothing(model: Model) -> None:
    assert same(model.generate("a cat AND a house :0"), model.generate("a cat"))


def test_a_sum_of_parts_is_their_sum(model: Model) -> None:
    """A cat and half a house at scale 1: d_u + (d_cat - d_u) + (d_house - d_u) / 2, one step by hand."""
    run = model.run(
        model.plan(ns.Request(prompt="a cat AND a house :0.5", scale=1.0, steps=1, sampler="DDIM"))
    )
    (lane,) = run.lanes
    rows = lane.rows()
    assert len(rows) == 3
    cat, house, empty = model.network().predict(rows)
    by_hand = model.run(model.plan(ns.Request(prompt="a cat", scale=1.0, steps=1, sampler="DDIM"))).lanes[0]
    by_hand.rows()
    by_hand.advance([empty + (cat - empty) + 0.5 * (house - empty)])
    lane.advance([cat, house, empty])
    assert torch.allclose(lane.x, by_hand.x, atol=1e-5)


def test_what_a_sum_costs_is_counted(model: Model) -> None:
    both = model.generate("a cat AND a house", avoid="hat AND text")
    assert both.receipt.evaluations == {"positive": 8, "empty": 4, "negative": 8}
    weighed = model.generate("a cat :0.5 AND a house :0.5")
    assert weighed.receipt.evaluations == {"positive": 8, "empty": 4}


def test_a_negative_weight_turns_the_words_values(model: Model) -> None:
    turned = model.generate("a red cat, (hat:-1)")
    assert not same(turned, model.generate("a red cat, hat"))
    assert not same(turned, model.generate("a red cat"))


def test_noise_is_keyed_by_seed_and_step(model: Model) -> None:
    """What is avoided never shifts the noise: at scale 1 an ancestral sampler gives the same picture."""
    asked = {"sampler": "Euler a", "scale": 1.0, "seed": 4}
    first, second = (model.generate("a red cat", avoid=avoid, **asked) for avoid in (None, "hat, text"))
    assert same(first, second)
    assert not same(first, model.generate("a red cat", sampler="Euler a", scale=1.0, seed=5))


def test_v_prediction_is_read(tiny_sd_v: Path, model: Model) -> None:
    read_as_v = ns.load(tiny_sd_v, dtype="float32")
    assert read_as_v.facts.prediction == "v_prediction"
    assert not same(read_as_v.generate("a red cat"), model.generate("a red cat"))


# The run and its result


def test_a_run_is_watched_by_iterating(model: Model) -> None:
    run = model.run(model.plan(ns.Request(prompt="a red cat", n=2, steps=3)))
    assert (run.done, run.total) == (0, 6)
    assert list(run) == [2, 4, 6]
    assert same(run.result(), model.generate("a red cat", n=2, steps=3))


def test_a_run_left_off_goes_on_where_it_was(model: Model) -> None:
    run = model.run(model.plan(ns.Request(prompt="a red cat", steps=4)))
    next(iter(run))
    assert run.done == 1
    assert same(run.result(), model.generate("a red cat", steps=4))


def test_the_receipt_says_what_was_done(model: Model) -> None:
    result = model.generate("a red cat", avoid="blurry, (zebra:1.2), small hat", seed=21, n=2)
    receipt = result.receipt
    assert receipt.positive.text == "a red cat" and receipt.negative.text == "blurry, (zebra:1.2), small hat"
    assert [(term.term, term.weight, term.known, term.source) for term in receipt.terms] == [
        ("blurry", 1.0, True, "user"),
        ("zebra", 1.2, False, "user"),
        ("small hat", 1.0, True, "user"),
    ]
    assert [term.tokens for term in receipt.terms] == [
        ("blurry</w>",),
        ("z", "e", "b", "r", "a</w>"),
        ("small</w>", "hat</w>"),
    ]
    assert receipt.terms[1].unknown == ("zebra",) and receipt.terms[1].channel == "negative branch"
    assert receipt.evaluations == {"positive": 8, "negative": 8}
    assert [image.seed for image in receipt.images] == [21, 22]
    for image, record in zip(result.images, receipt.images, strict=True):
        assert record.sha256 == hashlib.sha256(np.asarray(image).tobytes()).hexdigest()
        assert record.evaluations == {"positive": 4, "negative": 4} and len(record.push) == 4
    assert set(receipt.versions) == {"negspace", "python", "torch", "diffusers", "transformers"}
    assert len(receipt.model.fingerprint) == 64 and receipt.model.dtype == "float32"
    assert any(finding.code == "unknown-word" for finding in receipt.findings)
    assert Receipt.from_json(receipt.to_json()) == receipt
    assert json.loads(receipt.to_json())["negative_acted"] is True
    for word in ("zebra", "blurry", "negative branch", "unknown", receipt.model.fingerprint[:12], "21"):
        assert word in receipt.summary()


def test_the_push_is_the_distance_of_the_negative(model: Model) -> None:
    """|d_c - d_n| at the first step, taken from the network itself."""
    run = model.run(model.plan(ns.Request(prompt="a red cat", avoid="blurry")))
    positive, negative = model.network().predict(run.lanes[0].rows())
    distance = torch.linalg.vector_norm(positive - negative).item()
    pushes = model.generate("a red cat", avoid="blurry").receipt.images[0].push
    assert pushes[0] == pytest.approx(distance, rel=1e-4)


def test_a_saved_picture_carries_its_own_receipt_and_is_made_again_from_it(
    model: Model, tmp_path: Path
) -> None:
    result = model.generate("a red cat", avoid="blurry", seed=30, n=2)
    result.images[1].save(tmp_path / "cat.png")
    receipt = png.read(tmp_path / "cat.png").receipt
    assert receipt is not None and receipt == result.receipt.single(1)
    again = model.run(model.plan(receipt.request)).result()
    assert again.receipt.images[0].sha256 == receipt.images[0].sha256


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scale": 0}, "scale"),
        ({"scale": float("nan")}, "scale"),
        ({"steps": 0}, "steps"),
        ({"steps": 1000, "sampler": "nope"}, "sampler"),
        ({"rule": "nope"}, "cfg"),
        ({"width": 65}, "multiple"),
        ({"weighting": "nope"}, "weighting"),
        ({"dialect": "nope"}, "dialect"),
        ({"policies": ("nope",)}, "policy"),
        ({"colour": "red"}, "colour"),
        ({"n": 0}, "n"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(model: Model, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(NegspaceError, match=message) as caught:
        model.generate("a red cat", **fields)
    assert "\n" not in str(caught.value)


def test_sizes_other_than_the_default_work(model: Model) -> None:
    assert model.generate("a cat", width=96, height=32).images[0].size == (96, 32)
