"""The second, larger pass: it is image to image from the enlarged first pass, by the same plan."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.nn.functional import interpolate

import negspace as ns
from negspace import infotext
from negspace.engine import Canvas
from negspace.errors import NegspaceError, RequestError
from negspace.generate import Model
from negspace.hires import UPSCALERS, Hires
from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from negspace.request import Avoid, Request
from negspace.run.escalation import Limits
from tests.judges import Answering

STEPS = 4


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32", device="cpu")


def asked(**fields: Any) -> Request:
    usual = {"prompt": "a cat", "avoid": "hat", "seed": 3, "steps": STEPS, "width": 32, "height": 32}
    return Request.from_dict({**usual, "rule": "cfg", "scale": 3.0, **fields})


def made(model: Model, request: Request) -> ns.Result:
    return model.run(model.plan(request)).result()


def test_it_is_image_to_image_from_the_enlarged_picture(model: Model) -> None:
    both = made(model, asked(hires=Hires(scale=2.0, strength=0.5, steps=6)))
    first = made(model, asked()).images[0].resize((64, 64), Image.Resampling.LANCZOS)
    start = ns.Start(picture=ns.Pixels.of(first), strength=0.5)
    by_hand = made(model, asked(steps=6, width=None, height=None, start=start))
    assert both.images[0].size == (64, 64) and torch.equal(both.latents, by_hand.latents)
    assert both.images[0].tobytes() == by_hand.images[0].tobytes()


@pytest.mark.parametrize(
    ("upscaler", "mode", "smooth"),
    [("Latent", "bilinear", False), ("Latent (bicubic antialiased)", "bicubic", True)],
)
def test_latents_are_enlarged_as_they_are(model: Model, upscaler: Any, mode: str, smooth: bool) -> None:
    both = made(model, asked(hires=Hires(scale=1.5, strength=0.5, upscaler=upscaler)))
    plan = model.plan(asked(width=48, height=48))
    run = model.run(plan)
    size = model.network().latent_shape(48, 48)[1:]
    large = interpolate(made(model, asked()).latents, size, mode=mode, antialias=smooth)[0]
    lane = run._prepared.lane(3, Canvas(large, skipped=STEPS // 2))
    run._driver.add(run, [lane])
    while not lane.done:
        run._driver.engine.tick()
    assert torch.equal(both.latents[0], lane.x)


def test_strength_1_leaves_nothing_of_the_first_pass(model: Model) -> None:
    both = made(model, asked(hires=Hires(strength=1.0)))
    assert torch.equal(both.latents, made(model, asked(width=64, height=64)).latents)


def test_the_receipt_counts_both_passes_and_makes_them_again(model: Model) -> None:
    hires = Hires(scale=2.0, strength=0.5, steps=6, upscaler="Nearest")
    result = made(model, asked(hires=hires, n=2))
    receipt = result.receipt
    assert receipt.hires == Hires(width=64, height=64, strength=0.5, steps=6, upscaler="Nearest")
    assert receipt.request.hires == hires and (receipt.width, receipt.last_size) == (32, (64, 64))
    assert receipt.images[0].evaluations == {"positive": STEPS + 3, "negative": STEPS + 3}
    assert receipt.steps_taken == STEPS + 3 == len(receipt.images[0].push)
    assert Receipt.from_json(receipt.to_json()) == receipt
    assert "32x32, then 64x64, Nearest, strength 0.5 of 6 steps" in receipt.summary()
    again = model.again(receipt, 1)
    assert torch.equal(again.latents[0], result.latents[1])
    settings = infotext.read(infotext.write(infotext.from_receipt(receipt, 0))).settings
    named = {name: settings[name] for name in settings if name.startswith(("Hires", "Den", "Size"))}
    assert named == {
        "Size": "32x32",
        "Denoising strength": "0.5",
        "Hires upscale": "2",
        "Hires steps": "6",
        "Hires upscaler": "Nearest",
    }
    exact = made(model, asked(hires=Hires(width=64, height=64))).receipt
    assert infotext.from_receipt(exact, 0).settings["Hires resize"] == "64x64"


def test_companions_change_nothing(model: Model) -> None:
    requests = [asked(hires=Hires(strength=0.5)), asked(seed=8), asked(seed=9, hires=Hires(scale=1.5))]
    together = model.generate_all(requests)
    for request, result in zip(requests, together, strict=True):
        assert torch.equal(result.latents, made(model, request).latents)


def test_progress_counts_the_second_pass_from_the_beginning(model: Model) -> None:
    run = model.run(model.plan(asked(hires=Hires(strength=0.5), n=2)))
    total = run.total
    seen = [(done, run.total) for done in run]
    assert seen == [(done, total) for done in range(2, total + 1, 2)] and total == 2 * (STEPS + 2)
    lane = run.lanes[0]
    preview = run.preview(lane)
    assert preview is not None and preview.size == (64, 64)


def test_a_further_attempt_has_both_passes(tiny_sd: Path) -> None:
    looked: list[tuple[int, int]] = []

    def answer(picture: Image.Image) -> Any:
        looked.append(picture.size)
        return "seen" if len(looked) == 1 else "absent"

    judged = ns.load(tiny_sd, dtype="float32", judge=Answering(answer), limits=Limits(retries=2))
    avoid = (Avoid.from_dict({"term": "hat", "check": "retry"}),)
    receipt = made(judged, asked(avoid=avoid, hires=Hires(strength=0.5))).receipt
    assert looked == [(64, 64), (64, 64)] and len(receipt.images[0].attempts) == 2
    each = [sum(attempt.evaluations.values()) for attempt in receipt.images[0].attempts]
    assert each[0] == 2 * (STEPS + 2) and sum(each) == sum(receipt.evaluations.values())


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"hires": {"width": 16, "height": 16}}, "must not be smaller than the first pass, 32x32"),
        ({"hires": {"width": 64, "height": 128}}, "must have the shape of the first pass, 32x32"),
        ({"hires": {"width": 64}}, "given together"),
        ({"hires": {"width": 65, "height": 65}}, "must be multiples of"),
        ({"hires": {"strength": 0.1}}, "strength 0.1 of 4 steps is less than one step"),
        ({"hires": {"upscaler": "ESRGAN"}}, "Hires upscaler"),
        ({"hires": {"scale": 0.5}}, "Hires scale"),
        ({"hires": {"size": 2}}, "Hires has no field 'size'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(model: Model, fields: dict[str, Any], told: str) -> None:
    with pytest.raises(NegspaceError, match=told) as caught:
        model.plan(asked(**fields))
    assert "\n" not in str(caught.value)


def test_a_picture_to_start_from_excludes_it() -> None:
    start = ns.Start(picture=ns.Pixels.of(Image.new("RGB", (32, 32))))
    with pytest.raises(RequestError, match="it is for pictures that start from noise"):
        asked(start=start, hires=Hires())


def test_another_size_than_asked_is_a_finding(model: Model) -> None:
    def rounded(plan: Plan) -> list[str]:
        return [found.text for found in plan.findings if found.code == "size-fitted"]

    multiple = model.facts.multiple
    (text,) = rounded(model.plan(asked(hires=Hires(scale=1.33))))
    assert text.startswith("hires size 42.56x42.56 became") and f"multiples of {multiple}" in text
    assert not rounded(model.plan(asked(hires=Hires(scale=2.0))))


@given(
    st.tuples(st.integers(1, 64), st.integers(1, 64)),
    st.floats(1, 4),
    st.sampled_from([1, 2, 8, 16]),
    st.integers(1, 50),
    st.sampled_from(UPSCALERS),
)
def test_a_scale_gives_a_possible_size_of_the_same_shape(
    units: tuple[int, int], scale: float, multiple: int, steps: int, upscaler: Any
) -> None:
    width, height = units[0] * multiple, units[1] * multiple
    resolved = Hires(scale=scale, strength=1.0, upscaler=upscaler).resolved(width, height, steps, multiple)
    assert resolved.width and resolved.height and resolved.steps == steps == resolved.steps_taken
    assert resolved.width >= width and resolved.width % multiple == 0 == resolved.height % multiple
    assert abs(resolved.width - width * scale) <= multiple / 2 + 1e-6
    assert resolved.resolved(width, height, steps, multiple) == resolved
