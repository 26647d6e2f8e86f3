"""From picture to picture in the single path: identities over all samplers, exactness, masks, receipts."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import negspace as ns
from negspace import infotext
from negspace.errors import RequestError
from negspace.generate import Model, Result
from negspace.models.samplers import SAMPLERS
from negspace.receipt import Receipt
from tests.pictures import gradient, half, plain, start

every_sampler = pytest.mark.parametrize("sampler", SAMPLERS)


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def made(model: Model, mask: Image.Image | None = None, strength: float = 0.5, **fields: Any) -> Result:
    asked = {"prompt": "a red cat", "avoid": "blurry", "seed": 3, "steps": 4}
    return model.run(
        model.plan(ns.Request.from_dict(asked | {"start": start(mask, strength=strength)} | fields))
    ).result()


@every_sampler
def test_strength_1_equals_text_to_image(model: Model, sampler: str) -> None:
    from_picture = made(model, strength=1.0, sampler=sampler)
    assert torch.equal(from_picture.latents, made(model, start=None, sampler=sampler).latents)


@every_sampler
def test_what_is_counted_is_what_was_taken(model: Model, sampler: str) -> None:
    """Half of four steps: two, of which a second-order sampler evaluates the last once and others twice."""
    result = made(model, sampler=sampler)
    taken = 3 if sampler.startswith("Heun") else 2
    assert result.receipt.evaluations == {"positive": taken, "negative": taken}
    assert len(result.receipt.images[0].push) == taken and result.receipt.images[0].negative_steps == 2
    assert result.receipt.steps == 4 and result.receipt.steps_taken == 2


@every_sampler
def test_a_run_says_how_far_it_is(model: Model, sampler: str) -> None:
    request = ns.Request.from_dict(
        {"prompt": "a", "steps": 4, "sampler": sampler, "start": start(strength=0.5)}
    )
    run = model.run(model.plan(request))
    assert run.done == 0 and list(run) == list(range(1, run.total + 1))


@every_sampler
def test_the_less_strength_the_nearer_the_picture(model: Model, sampler: str) -> None:
    known = model.network().encode(np.asarray(gradient()))
    near, far = (
        (made(model, steps=10, strength=share, sampler=sampler, scale=1.0).latents[0] - known).abs().mean()
        for share in (0.1, 0.9)
    )
    assert near < far


@every_sampler
def test_an_exact_network_arrives_where_it_started(tiny_sd: Path, sampler: str) -> None:
    """The noise is that of the level: a sampler shown the true prediction takes every bit of it off again."""
    network = ns.load(tiny_sd, dtype="float32").network()
    x0 = torch.tensor([0.5, -1.0, 2.0, 0.1]).reshape(4, 1, 1)
    one = network.sampler(sampler, 10, (4, 8, 8))
    one.skip(6)
    x = one.noised(x0, torch.ones_like(x0), one.first)
    for index in range(one.first, one.evaluations):
        a, s = one.level(index)
        x = one.step(((one.scaled_input(x, index) - a * x0) / s)[None], x[None], index, torch.Generator())[0]
        again = one.noised(x0, torch.ones_like(x0), index + 1)
        if not one.draws and index + 1 < one.evaluations and not sampler.startswith("Heun"):
            assert torch.allclose(x, again, atol=0.05)
    assert (x - x0).abs().max() < 0.15


# Masks


@every_sampler
def test_a_black_mask_gives_the_picture_back(model: Model, sampler: str) -> None:
    result = made(model, plain(0), sampler=sampler)
    assert result.images[0].tobytes() == gradient().tobytes()
    known = model.network().encode(np.asarray(gradient()))
    assert torch.equal(result.latents[0], known)
    assert not result.receipt.negative_acted and "mask is black" in str(result.receipt.why_not)
    assert [one.code for one in result.receipt.findings] == ["black-mask"]


@every_sampler
def test_a_white_mask_is_no_mask(model: Model, sampler: str) -> None:
    free, masked = made(model, sampler=sampler), made(model, plain(255), sampler=sampler)
    assert torch.equal(free.latents, masked.latents)
    assert free.images[0].tobytes() == masked.images[0].tobytes()


@every_sampler
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_what_is_kept_is_kept_to_the_pixel(model: Model, sampler: str, strength: float) -> None:
    before, after = (
        np.asarray(gradient()),
        np.asarray(made(model, half(), strength, sampler=sampler).images[0]),
    )
    assert (after[:, :32] == before[:, :32]).all()
    assert (after[:, 32:] != before[:, 32:]).mean() > 0.5


def test_what_is_redrawn_sees_what_is_kept(model: Model) -> None:
    """Blending the pixels afterwards alone would leave the redrawn half as it is without a mask."""
    free, masked = made(model), made(model, half())
    assert (free.latents - masked.latents)[..., 4:].abs().max() > 1e-3


def test_grey_mixes_pixels_and_touched_cells_are_redrawn(model: Model) -> None:
    grey = np.asarray(made(model, plain(51)).images[0]).astype(int)
    free = np.asarray(made(model).images[0]).astype(int)
    assert abs(grey - (0.2 * free + 0.8 * np.asarray(gradient()))).max() <= 1
    dot = plain(0)
    dot.putpixel((9, 17), 255)
    (cells,) = (made(model, dot).latents - made(model, plain(0)).latents).abs().sum(1)
    assert [tuple(place) for place in cells.nonzero().tolist()] == [(2, 1)]


# Companions, seeds, texts


MIXED = (
    {"start": None},
    {"start": start(strength=0.5), "sampler": "Euler a", "seed": 5},
    {"start": start(half(), strength=0.8), "steps": 7, "sampler": "Heun", "seed": 6},
    {"start": start(plain(255), strength=1.0), "scale": 1.0, "seed": 7, "n": 2},
)


def test_a_request_alone_equals_itself_among_others(model: Model) -> None:
    """Lanes from pictures and from noise share forwards, and not one bit changes."""
    asked = {"prompt": "a red cat", "avoid": "blurry", "steps": 4}
    requests = [ns.Request.from_dict(asked | fields) for fields in MIXED]
    for together, request in zip(model.generate_all(requests), requests, strict=True):
        alone = model.run(model.plan(request)).result()
        assert torch.equal(together.latents, alone.latents) and together.receipt == alone.receipt
        assert [one.tobytes() for one in together.images] == [one.tobytes() for one in alone.images]


def test_forwards_are_shared_with_text_to_image(model: Model) -> None:
    from negspace.engine import BatchesUpTo, Engine

    requests = [ns.Request.from_dict({"prompt": "a", "steps": 2, "start": None})]
    requests.append(ns.Request.from_dict({"prompt": "a", "steps": 4, "start": start(strength=0.5)}))
    engine = Engine(model.network(), BatchesUpTo(16))
    for _ in engine.run([lane for request in requests for lane in model.run(model.plan(request)).lanes]):
        pass
    assert engine.forwards == 2


def test_pictures_of_one_request_equal_those_of_their_seeds(model: Model) -> None:
    several = made(model, half(), n=2)
    for index, seed in enumerate((3, 4)):
        assert torch.equal(several.latents[index], made(model, half(), seed=seed).latents[0])


def test_a_negative_acts_and_what_is_avoided_never_shifts_the_noise(model: Model) -> None:
    assert not torch.equal(made(model).latents, made(model, avoid=None).latents)
    still = {"scale": 1.0, "sampler": "Euler a"}
    assert torch.equal(made(model, **still).latents, made(model, avoid="text", **still).latents)


def test_windows_are_of_noise_levels_and_not_of_what_is_left(model: Model) -> None:
    """Steps 3 and 4 of 4 are taken: what is told in the first half of the schedule is never told."""
    early = made(model, avoid=[{"term": "blurry", "window": (0.0, 0.5)}]).receipt
    assert not early.negative_acted and "its window holds none of the steps" in str(early.why_not)
    late = made(model, avoid=[{"term": "blurry", "window": (0.75, 1.0)}]).receipt
    assert late.negative_acted and late.images[0].negative_steps == 1


# What is told


def test_the_receipt_names_the_picture_and_does_not_carry_it(model: Model) -> None:
    result = made(model, half())
    receipt = result.receipt
    named = receipt.request.start
    assert named is not None and named.picture.data is None and named.mask is not None
    assert named.picture.sha256 == hashlib.sha256(gradient().tobytes()).hexdigest()
    assert (named.picture.width, named.picture.height, named.strength) == (64, 64, 0.5)
    assert Receipt.from_json(receipt.to_json()) == receipt
    assert f"start     sha256 {named.picture.sha256[:12]}, strength 0.5, redrawn by mask" in receipt.summary()
    assert infotext.from_receipt(receipt, 0).settings["Denoising strength"] == "0.5"
    with pytest.raises(RequestError, match="only named"):
        model.run(model.plan(receipt.request))


def test_a_picture_made_here_is_named_as_in_its_own_receipt(model: Model) -> None:
    from negspace.pixels import Pixels

    first = made(model, start=None)
    second = made(model, start={"picture": Pixels.of(first.images[0]), "strength": 0.5}).receipt.request.start
    assert second is not None and second.picture.sha256 == first.receipt.images[0].sha256


def test_the_size_is_the_pictures_and_must_suit_the_model(model: Model) -> None:
    from negspace.pixels import Pixels

    wide = {"picture": Pixels.of(gradient(96, 32))}
    assert made(model, start=wide).images[0].size == (96, 32)
    with pytest.raises(RequestError, match="width 90 is not a multiple of"):
        made(model, start={"picture": Pixels.of(gradient(90, 32))})
    with pytest.raises(RequestError, match="less than one step; 0.25 is the least"):
        made(model, strength=0.1)


def test_from_python_with_files(model: Model, tmp_path: Path) -> None:
    gradient().save(tmp_path / "a.png")
    half().save(tmp_path / "mask.png")
    begun = ns.Start(
        picture=ns.read_picture((tmp_path / "a.png").read_bytes()),
        strength=0.5,
        mask=ns.read_mask((tmp_path / "mask.png").read_bytes()),
    )
    result = model.generate("a red cat", avoid="blurry", seed=3, steps=4, start=begun)
    assert torch.equal(result.latents, made(model, half()).latents)
