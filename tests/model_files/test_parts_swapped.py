"""An autoencoder in place of a model's own, and another layer of CLIP."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from negspace.errors import ModelError
from tests.families.test_laws import LARGEST, ours, pipeline, theirs
from tests.model_files.conftest import Place
from tests.model_files.original import State, original, tensors, write_state
from tests.model_files.test_parts import made


def other_vae(folder: Path) -> State:
    return {name: value * 1.05 for name, value in tensors(folder / "vae").items()}


def makers_names(folder: Path, prefix: str) -> State:
    first = "first_stage_model."
    held = original("sd", folder).items()
    return {prefix + name.removeprefix(first): value for name, value in held if name.startswith(first)}


@pytest.mark.parametrize("prefix", ["", "first_stage_model.", "vae."])
def test_a_vae_takes_the_place_of_the_models_own(place: Place, tmp_path: Path, prefix: str) -> None:
    folder = Path(shutil.copytree(place("sd"), tmp_path / "changed"))
    (file,) = (folder / "vae").glob("*.safetensors")
    write_state(other_vae(place("sd")), file)
    single = write_state(makers_names(folder, prefix), tmp_path / "vae.safetensors")
    plain, wanted = made(place("sd")), made(folder)
    for vae in (single, folder / "vae", file):
        swapped = made(place("sd"), vae=vae)
        assert swapped.images[0].tobytes() == wanted.images[0].tobytes() != plain.images[0].tobytes()
        assert torch.equal(swapped.latents, plain.latents)
    assert "vae from vae.safetensors, sha256" in made(place("sd"), vae=single).receipt.model.parts[0]


def test_a_vae_of_other_latents_and_what_is_none_are_refused(place: Place, tmp_path: Path) -> None:
    state = tensors(place("sd") / "vae")
    state["decoder.conv_in.weight"] = torch.zeros(16, 16, 3, 3)
    file = write_state(state, tmp_path / "wide.safetensors")
    with pytest.raises(ModelError, match="decodes latents of 16 channels and sd makes 4"):
        made(place("sd"), vae=file)
    with pytest.raises(ModelError, match="is no autoencoder: it has no decoder"):
        made(place("sd"), vae=place("sd") / "text_encoder")
    with pytest.raises(ModelError, match="there is no autoencoder at"):
        made(place("sd"), vae=tmp_path / "nothing")


def test_clip_skip_is_that_of_diffusers(place: Place) -> None:
    """Which skips layers for the prompt alone; here, as in AUTOMATIC1111, for what is avoided too."""
    import negspace

    folder = place("sd")
    encoder = pipeline(folder, "float32").text_encoder
    encoder.__dict__["text_model"] = encoder  # where diffusers 0.42 looks for the last norm
    model = negspace.load(folder, dtype="float32", device="cpu", clip_skip=2)
    told = model.generate("a red cat, snow", seed=7, scale=1.0, rule="cfg")
    assert (told.latents - theirs("sd", folder, None, scale=1.0, clip_skip=1)).abs().max() < LARGEST
    assert (told.latents - ours(folder, None, scale=1.0).latents).abs().max() > LARGEST
    assert told.receipt.model.parts == ("clip skip 2",)
    first = made(folder, clip_skip=1)
    assert torch.equal(first.latents, made(folder).latents)


@pytest.mark.parametrize(
    ("family", "skip", "said"),
    [
        ("sdxl", 2, "clip skip is for Stable Diffusion 1 and 2"),
        ("sd", 4, r"layers 1 to 3"),
        ("sd", 0, "layers 1 to 3"),
    ],
)
def test_clip_skip_that_cannot_be_is_refused(place: Place, family: str, skip: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        made(place(family), clip_skip=skip)
