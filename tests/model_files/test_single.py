"""One file in the layout of its makers gives what the folder gives."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import negspace
from negspace.errors import ModelError
from negspace.models.catalogue import read_facts
from negspace.models.files.source import Source
from tests.families.tiny import TINY
from tests.model_files.conftest import Place
from tests.model_files.original import write_single


def made(place: str | Path, **fields: object) -> negspace.Result:
    return negspace.load(place, dtype="float32", device="cpu", **fields).generate(  # type: ignore[arg-type]
        "a red cat", avoid="hat", seed=3, rule="cfg", scale=2.0, steps=2
    )


@pytest.mark.parametrize("family", ["sd", "sdxl", "sd3", "flux"])
def test_a_file_in_the_original_layout_is_the_folder(place: Place, family: str, tmp_path: Path) -> None:
    folder, file = place(family), tmp_path / "mine.safetensors"
    write_single(family, folder, file)
    first, second = made(folder), made(file, config=folder)
    # Where values lie in memory decides in which order kernels add them: the last bits may differ.
    assert (first.latents - second.latents).abs().max() < 1e-4
    pairs = zip(first.images[0].tobytes(), second.images[0].tobytes(), strict=True)
    assert max(abs(one - other) for one, other in pairs) <= 1
    assert second.receipt.model.name == "mine"
    assert first.receipt.model.fingerprint != second.receipt.model.fingerprint


def test_the_embedded_model_goes_round(tmp_path: Path) -> None:
    from negspace.models.files.source import find_folder

    file = tmp_path / "embedded-one-file.safetensors"
    write_single("sd", find_folder("embedded").path, file)
    assert torch.equal(made("embedded").latents, made(file, config="embedded").latents)
    assert made("embedded").images[0].tobytes() == made(file, config="embedded").images[0].tobytes()


def test_a_transformer_alone_takes_the_rest_from_its_config(place: Place, tmp_path: Path) -> None:
    """Only FLUX.1's transformer is in its makers' file; without text encoders anywhere it is refused."""
    import shutil

    folder, file = place("flux"), tmp_path / "flux.safetensors"
    write_single("flux", folder, file)
    bare = Path(shutil.copytree(folder, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors")))
    with pytest.raises(ModelError, match=r"flux.safetensors.*has no text_encoder, and its config neither"):
        made(file, config=bare)


def test_the_wrong_config_is_refused_with_both_named(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    write_single("sd", place("sd"), file)
    with pytest.raises(ModelError, match=r"laid out as sd; its config .* is sdxl"):
        made(file, config=place("sdxl"))


def test_another_size_of_the_family_is_refused(place: Place, tiny_sd: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    write_single("sd", tiny_sd, file)
    with pytest.raises(ModelError, match=r"mine\.safetensors"):
        made(file, config="embedded")


def test_a_file_that_lacks_a_tensor_is_refused(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    write_single("sd", place("sd"), file)
    state = load_file(file)
    state.pop("model.diffusion_model.time_embed.0.bias")
    save_file(state, file)
    with pytest.raises(ModelError, match=r"mine\.safetensors.*time_embedding\.linear_1\.bias"):
        made(file, config=place("sd"))


def test_without_a_config_and_offline_it_says_what_is_needed(
    place: Place, tmp_path: Path, offline: Path
) -> None:
    """Of models whose settings do not ship."""
    file = tmp_path / "mine.safetensors"
    write_single("chroma", place("chroma"), file)
    with pytest.raises(ModelError, match=r"needs config, a diffusers folder.*lodestones/Chroma1-HD"):
        read_facts(file)


def test_facts_of_a_file_are_those_of_its_config(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    write_single("sdxl", place("sdxl"), file)
    facts, own = read_facts(Source(file, config=place("sdxl"))), read_facts(place("sdxl"))
    assert (facts.family, facts.absent, facts.rules) == (own.family, own.absent, own.rules)
    assert set(TINY) >= {facts.family}


@pytest.mark.parametrize("family", ["sd", "sdxl", "flux", "chroma", "z-image", "qwen-image"])
def test_a_tensor_that_no_layer_takes_is_named(place: Place, tmp_path: Path, family: str) -> None:
    file = tmp_path / "mine.safetensors"
    prefix = "model.diffusion_model." if family in ("sd", "sdxl", "qwen-image") else ""
    write_single(family, place(family), file, {f"{prefix}middle_block.9.extra.weight": torch.ones(2, 2)})
    with pytest.raises(ModelError, match=r"mine\.safetensors.*middle_block\.9\.extra"):
        made(file, config=place(family))
