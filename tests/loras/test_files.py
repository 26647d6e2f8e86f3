"""Files: whole or refused, with the name of the tensor in one line; alpha wherever a trainer keeps it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import negspace
from negspace.errors import ModelError
from tests.families.conftest import Place
from tests.loras.layouts import STRENGTH, TRAINERS, State, weights_of
from tests.loras.test_layouts import (
    EXACT,
    Opened,
    Pipelines,
    assert_as_diffusers,
    changed,
    opened,
    parts_of,
    pipelines,
    stand_in,
)

__all__ = ["opened", "pipelines"]

LAYER = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"


def saved(folder: Path, state: State, **metadata: str) -> Path:
    file = folder / "style.safetensors"
    save_file({name: value.clone().contiguous() for name, value in state.items()}, file, metadata or None)
    return file


def matrices(weight: Tensor, rank: int = 2, seed: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    down = torch.randn(rank, weight.shape[1], generator=generator) * 0.3
    return down, torch.randn(len(weight), rank, generator=generator) * 0.3


# Whole or refused


@pytest.mark.parametrize("trainer", TRAINERS)
def test_no_tensor_of_a_file_can_be_missing_or_added(
    place: Place, opened: Opened, tmp_path: Path, trainer: str
) -> None:
    """Without a matrix, with a tensor more, or with a layer elsewhere it is refused and the tensor named."""
    family = TRAINERS[trainer].families[-1]
    file = tmp_path / "whole.safetensors"
    stand_in(place(family), trainer, file, parts_of(place(family)))
    state = load_file(file)
    name = sorted(name for name in state if "alpha" not in name)[len(state) // 3]
    layer = name.removesuffix(next(end for end in TRAINERS[trainer].ends if name.endswith(end)))
    missing = {other: value for other, value in state.items() if other != name}
    more = {**state, f"{layer}.mystery": state[name]}
    moved = {other.replace(layer, f"{layer}_x"): value for other, value in state.items()}
    for tensors, reason in (
        (missing, rf"has {layer}\S* without the tensors that belong to it$"),
        (more, rf"it has {layer}.mystery$"),
        (moved, rf"is for another model: this one has no {layer}_x\S*$"),
    ):
        with pytest.raises(ModelError, match=reason):
            changed(opened(family), family, saved(tmp_path, tensors))


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("lora_unet_mid_block_attentions_0_proj_in.oft_blocks", "OFT"),
        ("unet.mid_block.attentions.0.proj_in.oft_R.default.weight", "OFT"),
        ("lora_unet_mid_block_attentions_0_proj_in.a1.weight", "GLoRA"),
        ("bundle_emb.style.string_to_param.*", "a text embedding"),
        ("unet.mid_block.embed.lora_embedding_A", "a text embedding"),
    ],
)
def test_kinds_that_are_not_carried_out_are_named(
    place: Place, opened: Opened, tmp_path: Path, key: str, kind: str
) -> None:
    file = tmp_path / "whole.safetensors"
    stand_in(place("sd"), "peft", file, parts_of(place("sd")))
    with pytest.raises(ModelError) as caught:
        changed(opened("sd"), "sd", saved(tmp_path, {**load_file(file), key: torch.ones(2, 2)}))
    assert str(caught.value) == f"LoRA 'style.safetensors' has {key}: it is {kind}, which is not carried out"


def test_what_is_no_lora_at_all_is_refused(place: Place, opened: Opened, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no LoRA that is known here: it has"):
        changed(opened("sd"), "sd", saved(tmp_path, weights_of(place("sd"), "vae")))
    with pytest.raises(ModelError, match="it is empty"):
        changed(opened("sd"), "sd", saved(tmp_path, {}))
    (tmp_path / "style.pt").touch()
    with pytest.raises(ModelError, match="is no safetensors file"):
        changed(opened("sd"), "sd", tmp_path / "style.pt")


def test_two_tensors_for_one_place_are_refused(place: Place, opened: Opened, tmp_path: Path) -> None:
    down, up = matrices(weights_of(place("sd"), "unet")[f"{LAYER}.weight"])
    state = {f"unet.{LAYER}.lora_A.weight": down, f"unet.{LAYER}.lora_B.weight": up}
    twice = {**state, f"unet.{LAYER}.lora_down.weight": down}
    with pytest.raises(ModelError, match="two tensors for one place"):
        changed(opened("sd"), "sd", saved(tmp_path, twice))
    other = f"lora_unet_{LAYER.replace('.', '_')}"
    twice = {**state, f"{other}.lora_down.weight": down, f"{other}.lora_up.weight": up}
    with pytest.raises(ModelError, match=rf"(unet.{LAYER}|{other}).* changes what .* changes too$"):
        changed(opened("sd"), "sd", saved(tmp_path, twice))


@pytest.mark.parametrize("family", ["sd", "sdxl", "sd3", "flux"])
def test_another_size_of_the_model_is_refused(
    place: Place, opened: Opened, tmp_path: Path, family: str
) -> None:
    file = tmp_path / "style.safetensors"
    stand_in(place(family), "peft", file, parts_of(place(family)))
    state = load_file(file)
    name = next(name for name in state if name.endswith("lora_B.weight"))
    with pytest.raises(ModelError, match="is for another model: .* does not fit") as caught:
        changed(opened(family), family, saved(tmp_path, {**state, name: state[name].repeat(2, 1)}))
    assert name.removesuffix("lora_B.weight") in str(caught.value)
    with pytest.raises(ModelError, match="no numbers"):
        changed(opened(family), family, saved(tmp_path, {**state, name: state[name] * float("nan")}))


# Alpha


def test_alpha_of_peft_in_the_metadata(
    place: Place, opened: Opened, pipelines: Pipelines, tmp_path: Path
) -> None:
    """As diffusers' trainers write it, with other alphas for some layers."""
    weights = weights_of(place("sd"), "unet")
    other = LAYER.replace("to_q", "to_k")
    state: State = {}
    for layer in (LAYER, other):
        down, up = matrices(weights[f"{layer}.weight"])
        state |= {f"unet.{layer}.lora_A.weight": down, f"unet.{layer}.lora_B.weight": up}
    peft = {"r": 2, "lora_alpha": 8, "alpha_pattern": {"attn1.to_k": 3}, "target_modules": ["to_q", "to_k"]}
    settings = json.dumps({f"unet.{key}": value for key, value in peft.items()})
    file = saved(tmp_path, state, format="pt", lora_adapter_metadata=settings)
    made = assert_as_diffusers(opened("sd"), "sd", pipelines("sd"), file)["unet"]
    for layer, alpha in ((LAYER, 8), (other, 3)):
        delta = state[f"unet.{layer}.lora_B.weight"] @ state[f"unet.{layer}.lora_A.weight"]
        expected = weights[f"{layer}.weight"] + STRENGTH * alpha / 2 * delta
        assert (made[f"{layer}.weight"] - expected).abs().max() < EXACT
    broken = saved(tmp_path, state, lora_adapter_metadata="[")
    with pytest.raises(ModelError, match="no JSON object; its alpha is not known"):
        changed(opened("sd"), "sd", broken)


@pytest.mark.parametrize(("rslora", "scale"), [(False, 8 / 4), (True, 8 / 2)])
def test_alpha_of_peft_in_a_file_beside(
    place: Place, opened: Opened, tmp_path: Path, rslora: bool, scale: float
) -> None:
    weight = weights_of(place("sd"), "unet")[f"{LAYER}.weight"]
    down, up = matrices(weight, rank=4)
    base = f"base_model.model.{LAYER}"
    saved(tmp_path, {f"{base}.lora_A.weight": down, f"{base}.lora_B.weight": up}).rename(
        tmp_path / "adapter_model.safetensors"
    )
    config = {"r": 4, "lora_alpha": 8, "use_rslora": rslora}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    made = changed(opened("sd"), "sd", tmp_path / "adapter_model.safetensors")["unet"][f"{LAYER}.weight"]
    assert (made - (weight + STRENGTH * scale * up @ down)).abs().max() < EXACT


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_tensors_of_any_kind_of_number(place: Place, opened: Opened, tmp_path: Path, dtype: Any) -> None:
    """alpha may be a whole number, and is never rounded to the dtype of the matrices."""
    weight = weights_of(place("sd"), "unet")[f"{LAYER}.weight"]
    down, up = (matrix.to(dtype) for matrix in matrices(weight))
    name = f"lora_unet_{LAYER.replace('.', '_')}"
    state = {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up, f"{name}.alpha": torch.tensor(3)}
    made = changed(opened("sd"), "sd", saved(tmp_path, state))["unet"][f"{LAYER}.weight"]
    expected = weight.double() + STRENGTH * 1.5 * up.double() @ down.double()
    assert made.dtype == torch.float32 and (made - expected).abs().max() < EXACT


# Public reports


def test_the_text_encoder_of_kohya_is_not_left_out(place: Place, tmp_path: Path) -> None:
    """vladmandic/sdnext#4987: the picture was that of the file without its lora_te keys, without a word."""
    weights = {part: weights_of(place("sd"), part) for part in ("unet", "text_encoder")}
    layers = {
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_ff_net_2": weights["unet"][
            "mid_block.attentions.0.transformer_blocks.0.ff.net.2.weight"
        ],
        "lora_te_text_model_encoder_layers_0_mlp_fc1": next(
            value
            for name, value in weights["text_encoder"].items()
            if name.endswith("layers.0.mlp.fc1.weight")
        ),
    }
    state: State = {}
    for name, weight in layers.items():
        down, up = matrices(weight)
        state |= {
            f"{name}.lora_down.weight": down,
            f"{name}.lora_up.weight": up,
            f"{name}.alpha": torch.ones(()),
        }
    network = {name: value for name, value in state.items() if "_unet_" in name}
    both = saved(tmp_path, state).rename(tmp_path / "both.safetensors")
    latents = [
        negspace.load(place("sd"), dtype="float32", device="cpu", lora=[(file, 1.0)])
        .generate("a red cat", avoid="hat", seed=3, rule="cfg", scale=2.0, steps=2)
        .latents
        for file in (both, saved(tmp_path, network))
    ]
    assert not torch.equal(*latents)


def test_dora_of_kohya_is_carried_out(place: Place, opened: Opened, tmp_path: Path) -> None:
    """m V / |V| at strength 1 and nothing of it at strength 0; diffusers 0.42 filters its lengths out."""
    weight = weights_of(place("sd"), "unet")[f"{LAYER}.weight"]
    down, up = matrices(weight)
    name, lengths = f"lora_unet_{LAYER.replace('.', '_')}", weight.norm(dim=1, keepdim=True) * 1.3
    state = {
        f"{name}.lora_down.weight": down,
        f"{name}.lora_up.weight": up,
        f"{name}.dora_scale": lengths,
    }
    file = saved(tmp_path, state)
    direction = weight + up @ down
    expected = lengths * direction / direction.norm(dim=1, keepdim=True)
    for strength, value in ((1.0, expected), (0.0, weight)):
        made = changed(opened("sd"), "sd", file, strength)["unet"][f"{LAYER}.weight"]
        assert (made - value).abs().max() < EXACT
