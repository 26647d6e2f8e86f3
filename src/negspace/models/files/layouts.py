"""Original layouts: a whole model, or its denoiser, in one file under the names its makers gave the tensors.

The names of Stable Diffusion 1, 2, XL and 3 are translated by diffusers; those of FLUX.1 here, where the
widths are read from the file.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from negspace.models.files.headers import TensorHeader
from negspace.models.files.training_hints import looks_like_v

if TYPE_CHECKING:
    from torch import Tensor

ReadSettings = Callable[[str], dict[str, Any]]
"""The settings of a part, by its folder."""

_BODY = "model.diffusion_model."


@dataclass(frozen=True)
class Layout:
    """How a family is laid out in one file.

    Attributes:
        family: its name.
        tensor_suffix: the end of a name of a tensor that only this family has.
        hub_id: (file, what it holds, what it says of its scheduler) to the model of the hub whose settings
            and vocabulary are its own.
        split: (tensors, settings) to tensors by part, under the names of diffusers; parts that are not in the
            file are left out.
    """

    family: str
    tensor_suffix: str
    hub_id: Callable[[Path, Mapping[str, TensorHeader], Mapping[str, Any]], str]
    split: "Callable[[dict[str, Tensor], ReadSettings], dict[str, dict[str, Tensor]]]"


def layout_of(held: Mapping[str, TensorHeader]) -> Layout | None:
    """The layout of a file by what it holds; None where it is of no known one."""
    for layout in LAYOUTS:
        if any(name.endswith(layout.tensor_suffix) for name in held):
            return layout
    return None


def _split_sd(state: "dict[str, Tensor]", settings: ReadSettings) -> "dict[str, dict[str, Tensor]]":
    from diffusers.loaders import single_file_utils as names

    text = names.convert_ldm_clip_checkpoint(state)
    if not text:
        model = SimpleNamespace(config=SimpleNamespace(**settings("text_encoder")))
        read = int(settings("text_encoder")["num_hidden_layers"])
        kept = {name: value for name, value in state.items() if _layer(name) < read}
        text = names.convert_open_clip_checkpoint(model, kept, prefix="cond_stage_model.model.")
    return {**_unet_and_vae(state, settings), "text_encoder": text}


def _layer(name: str) -> int:
    """Which layer of OpenCLIP a tensor is of; the last one stands in files and is not read."""
    match = re.match(r"cond_stage_model\.model\.transformer\.resblocks\.(\d+)\.", name)
    return int(match[1]) if match else -1


def _split_sdxl(state: "dict[str, Tensor]", settings: ReadSettings) -> "dict[str, dict[str, Tensor]]":
    from diffusers.loaders import single_file_utils as names

    model = SimpleNamespace(config=SimpleNamespace(**settings("text_encoder_2")))
    second = names.convert_open_clip_checkpoint(model, state, prefix="conditioner.embedders.1.model.")
    first = names.convert_ldm_clip_checkpoint(state)
    return {**_unet_and_vae(state, settings), "text_encoder": first, "text_encoder_2": second}


def _unet_and_vae(state: "dict[str, Tensor]", settings: ReadSettings) -> "dict[str, dict[str, Tensor]]":
    from diffusers.loaders import single_file_utils as names

    return {
        "unet": names.convert_ldm_unet_checkpoint(state, settings("unet")),
        "vae": names.convert_ldm_vae_checkpoint(state, settings("vae")),
    }


def _split_sd3(state: "dict[str, Tensor]", settings: ReadSettings) -> "dict[str, dict[str, Tensor]]":
    from diffusers.loaders import single_file_utils as names

    body = _under(state, _BODY)
    parts = {"transformer": names.convert_sd3_transformer_checkpoint_to_diffusers(dict(body))}
    return {**parts, **_others(state, settings, ("clip_l", "clip_g", "t5xxl"))}


def _split_flux(state: "dict[str, Tensor]", settings: ReadSettings) -> "dict[str, dict[str, Tensor]]":
    body = _under(state, _BODY) or state
    return {"transformer": flux_names(body), **_others(state, settings, ("clip_l", "t5xxl"))}


def _others(
    state: "dict[str, Tensor]", settings: ReadSettings, texts: tuple[str, ...]
) -> "dict[str, dict[str, Tensor]]":
    """Text encoders and VAE beside a transformer, those that are there."""
    from diffusers.loaders import single_file_utils as names

    parts: dict[str, dict[str, Tensor]] = {}
    for number, text in enumerate(texts, start=1):
        if encoder_state := _under(state, f"text_encoders.{text}.transformer."):
            parts["text_encoder" if number == 1 else f"text_encoder_{number}"] = encoder_state
    if any(name.startswith(("first_stage_model.", "vae.")) for name in state):
        parts["vae"] = names.convert_ldm_vae_checkpoint(state, settings("vae"))
    return parts


def _under(state: "dict[str, Tensor]", prefix: str) -> "dict[str, Tensor]":
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


_FLUX = {
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
    "txt_in": "context_embedder",
    "img_in": "x_embedder",
    "final_layer.linear": "proj_out",
}
_FLUX_DOUBLE = {
    "img_mod.lin": "norm1.linear",
    "txt_mod.lin": "norm1_context.linear",
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
    "img_mlp.0": "ff.net.0.proj",
    "img_mlp.2": "ff.net.2",
    "txt_mlp.0": "ff_context.net.0.proj",
    "txt_mlp.2": "ff_context.net.2",
    "img_attn.proj": "attn.to_out.0",
    "txt_attn.proj": "attn.to_add_out",
}
_FLUX_SINGLE = {
    "modulation.lin": "norm.linear",
    "norm.query_norm": "attn.norm_q",
    "norm.key_norm": "attn.norm_k",
    "linear2": "proj_out",
}
_FLUX_JOINED = {
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
}
"""Layers that stand in one tensor there and apart in diffusers."""


def flux_names(state: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """FLUX.1's transformer under the names of diffusers.

    Raises:
        KeyError: a tensor has a name that is not known.
    """
    import torch

    width = state["img_in.weight"].shape[0]
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.startswith(("text_encoders.", "vae.", "first_stage_model.")):
            continue
        layer, _, kind = name.rpartition(".")
        kind = "weight" if kind == "scale" else kind
        top, _, rest = layer.partition("_blocks.")
        if top not in ("double", "single") or not rest:
            if layer == "final_layer.adaLN_modulation.1":  # shift and scale stand the other way round there
                tensors[f"norm_out.linear.{kind}"] = torch.cat(value.chunk(2)[::-1])
            else:
                tensors[f"{_FLUX[layer]}.{kind}"] = value
            continue
        number, _, inner = rest.partition(".")
        block = f"{'transformer_blocks' if top == 'double' else 'single_transformer_blocks'}.{number}"
        if inner in _FLUX_JOINED:
            parts = _FLUX_JOINED[inner]
            sizes = [width] * 3 + ([value.shape[0] - 3 * width] if len(parts) == 4 else [])
            for part, piece in zip(parts, value.split(sizes), strict=True):
                tensors[f"{block}.{part}.{kind}"] = piece
        else:
            tensors[f"{block}.{(_FLUX_DOUBLE if top == 'double' else _FLUX_SINGLE)[inner]}.{kind}"] = value
    return tensors


def _sd_home(file: Path, held: Mapping[str, TensorHeader], says: Mapping[str, Any]) -> str:
    if not any(name.startswith("cond_stage_model.model.") for name in held):
        return "stable-diffusion-v1-5/stable-diffusion-v1-5"
    prediction = says.get("prediction_type")
    v = looks_like_v(file, held) if prediction is None else prediction == "v_prediction"
    return "stabilityai/stable-diffusion-2-1" if v else "stabilityai/stable-diffusion-2-1-base"


def _sdxl_home(*_: object) -> str:
    return "stabilityai/stable-diffusion-xl-base-1.0"


def _sd3_home(file: Path, held: Mapping[str, TensorHeader], says: Mapping[str, Any]) -> str:
    if not any(name.endswith("x_block.attn.ln_q.weight") for name in held):
        return "stabilityai/stable-diffusion-3-medium-diffusers"
    large = any(".joint_blocks.37." in name for name in held)
    return f"stabilityai/stable-diffusion-3.5-{'large' if large else 'medium'}"


def _flux_home(file: Path, held: Mapping[str, TensorHeader], says: Mapping[str, Any]) -> str:
    has_guidance = any(name.endswith("guidance_in.in_layer.weight") for name in held)
    return f"black-forest-labs/FLUX.1-{'dev' if has_guidance else 'schnell'}"


LAYOUTS = (
    Layout("flux", "double_blocks.0.img_attn.qkv.weight", _flux_home, _split_flux),
    Layout("sd3", "joint_blocks.0.x_block.attn.qkv.weight", _sd3_home, _split_sd3),
    Layout("sdxl", "diffusion_model.label_emb.0.0.weight", _sdxl_home, _split_sdxl),
    Layout("sd", "diffusion_model.input_blocks.0.0.weight", _sd_home, _split_sd),
)
"""Every layout; the first that a file has the mark of is its own."""
