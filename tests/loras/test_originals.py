"""Files that name the layers as the makers of a model do, several of which are one layer there."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from negspace.models.catalogue import FAMILIES
from negspace.models.lora.names import LayerNames
from tests.families.conftest import Place
from tests.loras.layouts import STRENGTH, State
from tests.loras.test_layouts import EXACT, Opened, Pipelines, assert_as_diffusers, changed, opened, pipelines
from tests.model_files.original import write_single

__all__ = ["opened", "pipelines"]

PREFIXES = {"sd": "model.diffusion_model.", "sdxl": "model.diffusion_model.", "sd3": "model.diffusion_model."}
"""Of the network in a file of the makers; FLUX.1's is the network alone."""


def originals(place: Place, family: str, folder: Path) -> State:
    """The weights of the network under the names of its makers, without a prefix."""
    write_single(family, place(family), folder / "single.safetensors")
    prefix = PREFIXES.get(family, "")
    return {
        name.removeprefix(prefix): value
        for name, value in load_file(folder / "single.safetensors").items()
        if name.startswith(prefix)
    }


def names_of(family: str, networks: dict[str, Any]) -> LayerNames:
    (of,) = (each for each in FAMILIES.values() if each.name == family)
    return LayerNames(of, networks)


def assembled(names: LayerNames, layer: str, networks: dict[str, Any], made: dict[str, State]) -> Tensor:
    """The weight of an original layer, out of the rows that it means."""
    target = names.find(layer)
    assert target is not None, layer
    own, new = networks[target.part], made.get(target.part, {})
    weights = [
        new.get(f"{rows.layer}.weight", own.get_parameter(f"{rows.layer}.weight")) for rows in target.rows
    ]
    return torch.cat(
        [
            weight[rows.start : rows.stop]
            for weight, rows in zip(weights, target.rows, strict=True)
            if weight is not None
        ]
    )


@pytest.mark.parametrize("spelled", ["diffusion_model.{}", "model.diffusion_model.{}", "{}", "kohya"])
@pytest.mark.parametrize("family", ["sd", "sdxl", "sd3", "flux"])
def test_every_weight_of_the_makers_is_known_by_its_name(
    place: Place, opened: Opened, tmp_path: Path, family: str, spelled: str
) -> None:
    """The rows that a name means are the tensor that the makers have under it."""
    names, count = names_of(family, opened(family)), 0
    for name, value in originals(place, family, tmp_path).items():
        layer, _, kind = name.rpartition(".")
        if kind not in ("weight", "scale"):
            continue
        kohya = f"lora_unet_{layer.replace('.', '_')}"
        called = kohya if spelled == "kohya" else spelled.format(layer)
        assert torch.equal(assembled(names, called, opened(family), {}), value), layer
        count += 1
    assert count > 20


LAYOUTS = {
    "kohya": ("lora_unet_{}", ".lora_down.weight", ".lora_up.weight"),
    "ComfyUI": ("diffusion_model.{}", ".lora_A.weight", ".lora_B.weight"),
    "BFL": ("{}", ".lora_A.weight", ".lora_B.weight"),
}


def trained(weights: State, layout: str, alpha: float | None) -> tuple[State, State]:
    """(a file that changes every layer of original weights, what it makes of them)."""
    spelled, down_end, up_end = LAYOUTS[layout]
    generator, state, expected = torch.Generator().manual_seed(3), {}, {}
    for name, weight in weights.items():
        layer = name.removesuffix(".weight")
        if layer == name or weight.ndim not in (2, 4):
            continue
        called = spelled.format(layer.replace(".", "_") if layout == "kohya" else layer)
        down = torch.randn(2, *weight.shape[1:], generator=generator) * 0.3
        up = torch.randn(len(weight), 2, *[1] * (weight.ndim - 2), generator=generator) * 0.3
        state |= {called + down_end: down, called + up_end: up}
        if alpha is not None:
            state[f"{called}.alpha"] = torch.tensor(alpha)
        delta = (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
        expected[called] = weight + STRENGTH * (alpha or 2.0) / 2 * delta
    return state, expected


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("family", ["sd", "sdxl", "sd3", "flux"])
def test_a_layer_of_the_makers_changes_by_hand(
    place: Place, opened: Opened, tmp_path: Path, family: str, layout: str
) -> None:
    """Also where its rows are those of several layers, or stand in another order."""
    state, expected = trained(originals(place, family, tmp_path), layout, None if layout == "BFL" else 1.3)
    save_file(state, tmp_path / "style.safetensors")
    made = changed(opened(family), family, tmp_path / "style.safetensors")
    names = names_of(family, opened(family))
    for layer, weight in expected.items():
        assert (assembled(names, layer, opened(family), made) - weight).abs().max() < EXACT, layer


def test_kohya_trains_sdxl_under_the_makers_names_as_diffusers_reads_them(
    place: Place, opened: Opened, pipelines: Pipelines, tmp_path: Path
) -> None:
    weights = originals(place, "sdxl", tmp_path)
    blocks = {
        name: value for name, value in weights.items() if "transformer_blocks" in name or "proj_" in name
    }
    state, _ = trained(blocks, "kohya", 1.3)
    save_file(state, tmp_path / "style.safetensors")
    assert_as_diffusers(opened("sdxl"), "sdxl", pipelines("sdxl"), tmp_path / "style.safetensors")


def test_flux_by_kohya_as_diffusers_reads_it(
    place: Place, opened: Opened, pipelines: Pipelines, tmp_path: Path
) -> None:
    """The blocks alone: diffusers 0.42 leaves out what is around them. And without the joined layer of single
    blocks, which it knows in the size of FLUX.1 alone."""
    weights = originals(place, "flux", tmp_path)
    own = {name: value for name, value in weights.items() if "blocks." in name and "linear1" not in name}
    state, _ = trained(own, "kohya", 1.3)
    save_file(state, tmp_path / "style.safetensors")
    assert_as_diffusers(opened("flux"), "flux", pipelines("flux"), tmp_path / "style.safetensors")


def test_flux_by_xlabs_as_diffusers_reads_it(
    place: Place, opened: Opened, pipelines: Pipelines, tmp_path: Path
) -> None:
    weights = originals(place, "flux", tmp_path)
    layers = {
        "double_blocks.0.processor.qkv_lora1": "double_blocks.0.img_attn.qkv",
        "double_blocks.0.processor.qkv_lora2": "double_blocks.0.txt_attn.qkv",
        "double_blocks.0.processor.proj_lora1": "double_blocks.0.img_attn.proj",
        "double_blocks.0.processor.proj_lora2": "double_blocks.0.txt_attn.proj",
        "single_blocks.0.processor.proj_lora": "single_blocks.0.linear2",
    }
    rows = {name: weights[f"{layer}.weight"] for name, layer in layers.items()}
    width = weights["img_in.weight"].shape[0]
    rows["single_blocks.0.processor.qkv_lora"] = weights["single_blocks.0.linear1.weight"][: 3 * width]
    generator, state = torch.Generator().manual_seed(3), {}
    for name, weight in rows.items():
        state[f"{name}.down.weight"] = torch.randn(2, weight.shape[1], generator=generator) * 0.3
        state[f"{name}.up.weight"] = torch.randn(len(weight), 2, generator=generator) * 0.3
    save_file(state, tmp_path / "style.safetensors")
    made = assert_as_diffusers(opened("flux"), "flux", pipelines("flux"), tmp_path / "style.safetensors")
    assert len(made["transformer"]) == 12


def test_z_image_has_its_attention_in_one_layer(opened: Opened, tmp_path: Path) -> None:
    networks = opened("z-image")
    names = names_of("z-image", networks)
    attention = [
        networks["transformer"].get_parameter(f"layers.0.attention.to_{part}.weight") for part in "qkv"
    ]
    whole = assembled(names, "diffusion_model.layers.0.attention.qkv", networks, {})
    assert torch.equal(whole, torch.cat(attention))
