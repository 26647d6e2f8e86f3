"""Settings that ship: those of the published models, and a file opens with them while no hub is in reach."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import negspace
from negspace.errors import ModelError
from negspace.models.catalogue import family_of, read_facts
from negspace.models.files.shipped import CLIP_VOCABULARY, shipped_settings
from negspace.models.files.source import find_folder
from negspace.models.loading.reading import class_of, read_tokenizer
from tests.cli.conftest import Cli, cli
from tests.model_files.conftest import Place
from tests.model_files.original import bare_unet_of, write_single

__all__ = ["cli"]

_CLIP_L, _CLIP_G, _T5 = 123_060_480, 694_659_840, 4_762_310_656
_VAE, _VAE_16 = 83_653_863, 83_819_683
PARAMETERS: dict[str, dict[str, int]] = {
    "stable-diffusion-v1-5/stable-diffusion-v1-5": {
        "unet": 859_520_964,
        "vae": _VAE,
        "text_encoder": _CLIP_L,
    },
    "stabilityai/stable-diffusion-2-1": {"unet": 865_910_724, "vae": _VAE, "text_encoder": 340_387_840},
    "stabilityai/stable-diffusion-2-1-base": {"unet": 865_910_724, "vae": _VAE, "text_encoder": 340_387_840},
    "stabilityai/stable-diffusion-xl-base-1.0": {
        "unet": 2_567_463_684,
        "vae": _VAE,
        "text_encoder": _CLIP_L,
        "text_encoder_2": _CLIP_G,
    },
    "stabilityai/stable-diffusion-3-medium-diffusers": {
        "transformer": 2_028_328_000,
        "vae": _VAE_16,
        "text_encoder": _CLIP_L + 768 * 768,
        "text_encoder_2": _CLIP_G,
        "text_encoder_3": _T5,
    },
    "stabilityai/stable-diffusion-3.5-medium": {"transformer": 2_243_171_520, "text_encoder_3": _T5},
    "stabilityai/stable-diffusion-3.5-large": {"transformer": 8_056_627_520, "text_encoder_3": _T5},
    "black-forest-labs/FLUX.1-dev": {
        "transformer": 11_901_408_320,
        "vae": _VAE_16,
        "text_encoder": _CLIP_L,
        "text_encoder_2": _T5,
    },
    "black-forest-labs/FLUX.1-schnell": {"transformer": 11_891_178_560, "text_encoder_2": _T5},
}
"""How many parameters the parts of the published models have."""


def built(part: Any, settings: dict[str, Any]) -> Any:
    kind = class_of(part)
    with torch.device("meta"):
        if part.module.startswith("transformers"):
            return kind(kind.config_class.from_dict(settings))
        return kind.from_config(settings)


@pytest.mark.parametrize("name", PARAMETERS)
def test_settings_are_those_of_the_published_models(name: str) -> None:
    place = shipped_settings(name)
    assert place is not None
    folder = find_folder(place)
    family = family_of(folder)
    counted = {
        part.folder: sum(one.numel() for one in built(part, folder.settings(part.folder)).parameters())
        for part in family.parts
        if part.folder in PARAMETERS[name]
    }
    assert counted == PARAMETERS[name]


def test_the_vocabulary_is_clips() -> None:
    """The numbers of its tokens are those that the published tokenizer gives."""
    vocabulary = json.loads((CLIP_VOCABULARY / "vocab.json").read_text(encoding="utf-8"))
    assert len(vocabulary) == 49_408 and sorted(vocabulary.values()) == list(range(49_408))
    sdxl = shipped_settings("stabilityai/stable-diffusion-xl-base-1.0")
    assert sdxl is not None
    family = family_of(find_folder(sdxl))
    first, second = (read_tokenizer(part, sdxl / part.tokenizer) for part in family.text_encoders)
    assert first("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert (first.pad_token_id, second.pad_token_id) == (49407, 0)


def test_a_file_is_known_and_planned_while_no_hub_is_in_reach(
    cli: Cli, place: Place, tmp_path: Path, offline: Path
) -> None:
    write_single("sd", place("sd"), tmp_path / "mine.safetensors")
    write_single("sdxl", place("sdxl"), tmp_path / "large.safetensors")
    told = cli("models", tmp_path / "mine.safetensors", "--json").json
    (facts,) = told.values()
    assert (facts["family"], facts["width"], facts["name"]) == ("sd", 512, "mine")
    assert read_facts(tmp_path / "large.safetensors").family == "sdxl"
    plan = cli("plan", "a cat", "--avoid", "hat", "--model", tmp_path / "mine.safetensors", "--json")
    assert plan.code == 0 and plan.json["rule"] == "cfg"


def test_what_neither_file_nor_settings_have_is_named(place: Place, tmp_path: Path, offline: Path) -> None:
    write_single("flux", place("flux"), tmp_path / "mine.safetensors")
    with pytest.raises(ModelError, match="takes 16 channels, and its config 64"):
        read_facts(tmp_path / "mine.safetensors")
    file = bare_unet_of(place("sd"), tmp_path / "unet.safetensors")
    told = r"has no text_encoder, vae, which stable-diffusion-v1-5/.* has; give config"
    with pytest.raises(ModelError, match=told):
        negspace.load(file, dtype="float32", device="cpu").network()


def test_a_file_with_every_part_makes_pictures_while_no_hub_is_in_reach(
    place: Place, tmp_path: Path, offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings that ship are those of a stand-in here; a model of their own size is too large."""
    import shutil

    from negspace.models.files import shipped, source

    folder = tmp_path / "settings" / "stable-diffusion-v1-5" / "stable-diffusion-v1-5"
    shutil.copytree(place("sd"), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    monkeypatch.setattr(shipped, "_FOLDER", folder.parents[1])
    monkeypatch.setattr(source, "shipped_settings", shipped.shipped_settings)
    monkeypatch.setattr("negspace.models.loading.reading.CLIP_VOCABULARY", place("sd") / "tokenizer")
    write_single("sd", place("sd"), tmp_path / "mine.safetensors")
    first, second = (
        negspace.load(model, dtype="float32", device="cpu").generate(
            "a red cat", avoid="hat", seed=3, steps=2
        )
        for model in (place("sd"), tmp_path / "mine.safetensors")
    )
    assert (first.latents - second.latents).abs().max() < 1e-4
    assert second.receipt.model.name == "mine"
