"""Every layout of LoRA files by hand, and against diffusers where it opens them whole."""

import json
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import negspace
from negspace.models.catalogue import FAMILIES
from negspace.models.lora.apply import with_loras
from negspace.models.lora.folder import AddedLora
from negspace.models.lora.names import LayerNames
from tests.families.conftest import Place
from tests.loras.layouts import STRENGTH, TRAINERS, LoraStandIn, State, weights_of

EXACT = 1e-5

Opened = Callable[[str], dict[str, Any]]
Pipelines = Callable[[str], Any]


@pytest.fixture(scope="session")
def opened(place: Place) -> Opened:
    """The networks of a family by folder, opened once."""

    @cache
    def networks(family: str) -> dict[str, Any]:
        model: Any = negspace.load(place(family), dtype="float32", device="cpu").network()
        return dict(model._parts.networks)

    return networks


def changed(
    networks: dict[str, Any], family: str, file: Path, strength: float = STRENGTH
) -> dict[str, State]:
    """The weights that a file changes, by part and name."""
    (of,) = (each for each in FAMILIES.values() if each.name == family)
    lora = AddedLora(file.stem, file, strength, strength)
    new = with_loras([lora], LayerNames(of, networks), networks, of.denoiser.folder)
    return {
        part: {
            name: value
            for name, value in network.named_parameters()
            if value is not networks[part].get_parameter(name)
        }
        for part, network in new.items()
    }


def assert_same(made: dict[str, State], expected: dict[str, State]) -> None:
    """The same weights are changed, to the same values."""
    assert {part: set(state) for part, state in made.items()} == {
        part: set(state) for part, state in expected.items()
    }
    for part, state in expected.items():
        for name, value in state.items():
            assert (made[part][name] - value).abs().max() < EXACT, f"{part}.{name}"


CASES = [(family, name) for name, trainer in TRAINERS.items() for family in trainer.families]


def parts_of(folder: Path) -> list[str]:
    """The parts of a model that LoRA files change."""
    index = json.loads((folder / "model_index.json").read_text())
    return [part for part in index if part.startswith(("unet", "transformer", "text_encoder"))]


def stand_in(
    folder: Path, trainer: str, file: Path, parts: Sequence[str], alpha: float | None = None
) -> LoraStandIn:
    """A file of a trainer for parts of a model, written."""
    made = TRAINERS[trainer].file({part: weights_of(folder, part) for part in parts}, alpha)
    assert made.expected
    save_file({name: value.contiguous() for name, value in made.state.items()}, file, made.metadata)
    return made


@pytest.mark.parametrize(("family", "trainer"), CASES)
def test_a_layout_by_hand(place: Place, opened: Opened, tmp_path: Path, family: str, trainer: str) -> None:
    """W + strength * alpha / rank * B A, for every layer of the file and for no other."""
    file = tmp_path / "style.safetensors"
    made = stand_in(place(family), trainer, file, parts_of(place(family)))
    assert_same(changed(opened(family), family, file), made.expected)


@pytest.fixture(scope="session")
def pipelines(place: Place) -> Pipelines:
    """The pipeline of diffusers for a family, opened once."""
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    return cache(lambda family: DiffusionPipeline.from_pretrained(place(family)))


def by_diffusers(pipeline: Any, file: Path, strength: float = STRENGTH) -> dict[str, State]:
    """All weights of a pipeline after it fused a file."""
    whole = type(pipeline)(**{name: deepcopy(part) for name, part in pipeline.components.items()})
    parts = [name for name, part in whole.components.items() if isinstance(part, torch.nn.Module)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole.load_lora_weights(str(file.parent), weight_name=file.name)
        own = [part for part in parts if part in whole._lora_loadable_modules]
        whole.fuse_lora(components=own, lora_scale=strength)
        whole.unload_lora_weights()
    return {part: dict(getattr(whole, part).named_parameters()) for part in parts}


def assert_as_diffusers(
    networks: dict[str, Any], family: str, pipeline: Any, file: Path, strength: float = STRENGTH
) -> dict[str, State]:
    """All weights are those of diffusers; returns those that the file changes."""
    made, theirs = changed(networks, family, file, strength), by_diffusers(pipeline, file, strength)
    for part, network in networks.items():
        for name, value in network.named_parameters():
            ours = made.get(part, {}).get(name, value)
            assert ours is not None and (ours - theirs[part][name]).abs().max() < EXACT, f"{part}.{name}"
    return made


IN_DIFFUSERS = [(family, name) for family, name in CASES if family in TRAINERS[name].in_diffusers]


@pytest.mark.parametrize(("family", "trainer"), IN_DIFFUSERS)
def test_a_layout_as_diffusers_fuses_it(
    place: Place, opened: Opened, pipelines: Pipelines, tmp_path: Path, family: str, trainer: str
) -> None:
    """With one alpha for all: diffusers 0.42 mixes up those of kohya's layers. Without T5, which it skips."""
    file, pipeline = tmp_path / "style.safetensors", pipelines(family)
    known = [part for part in parts_of(place(family)) if part in pipeline._lora_loadable_modules]
    stand_in(place(family), trainer, file, known, alpha=1.5)
    assert_as_diffusers(opened(family), family, pipeline, file)
