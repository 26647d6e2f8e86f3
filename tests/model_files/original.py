"""Whole models in one file under the names of their makers, out of diffusers folders.

The tables are written down here from the makers' code, apart from those that read them back.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

State = dict[str, Tensor]


def tensors(folder: Path) -> State:
    """The weights of a part."""
    (file,) = folder.glob("*.safetensors")
    return load_file(file)


def write_single(
    family: str, folder: Path, file: Path, marks: State | None = None, metadata: dict[str, str] | None = None
) -> None:
    """A diffusers folder as one file in the original layout of its family, perhaps with more in it."""
    write_state(original(family, folder) | (marks or {}), file, metadata)


def original(family: str, folder: Path) -> State:
    """A diffusers folder in the original layout of its family."""
    return _LAYOUTS[family](folder)


def write_state(state: State, file: Path, metadata: dict[str, str] | None = None) -> Path:
    """Tensors as a file."""
    save_file({name: value.contiguous().clone() for name, value in state.items()}, file, metadata)
    return file


def _sd(folder: Path) -> State:
    text = {
        f"cond_stage_model.transformer.{_text(name)}": v
        for name, v in tensors(folder / "text_encoder").items()
    }
    return _prefixed("model.diffusion_model.", _unet(folder)) | _vae(folder, "first_stage_model.") | text


def _sd2(folder: Path) -> State:
    """The text encoder as OpenCLIP trained it: a projection, a scale, and a last layer that nobody reads."""
    state = {
        name.removeprefix("text_model."): value for name, value in tensors(folder / "text_encoder").items()
    }
    width = state["final_layer_norm.weight"].shape[0]
    text = open_clip(state | {"text_projection.weight": torch.ones(width, width)})
    layers = 1 + max(int(m[1]) for name in text if (m := re.search(r"resblocks\.(\d+)", name)))
    text |= {
        name.replace(f"resblocks.{layers - 1}.", f"resblocks.{layers}."): torch.zeros_like(value)
        for name, value in text.items()
        if f"resblocks.{layers - 1}." in name
    }
    text["logit_scale"] = torch.tensor(4.6)
    body = _prefixed("model.diffusion_model.", _unet(folder)) | _vae(folder, "first_stage_model.")
    return body | _prefixed("cond_stage_model.model.", text)


def _sdxl(folder: Path) -> State:
    first = {_text(name): value for name, value in tensors(folder / "text_encoder").items()}
    return (
        _prefixed("model.diffusion_model.", _unet(folder))
        | _vae(folder, "first_stage_model.")
        | _prefixed("conditioner.embedders.0.transformer.", first)
        | _prefixed("conditioner.embedders.1.model.", open_clip(tensors(folder / "text_encoder_2")))
    )


def _sd3(folder: Path) -> State:
    found: State = {}
    for number, name in (("", "clip_l"), ("_2", "clip_g"), ("_3", "t5xxl")):
        text = tensors(folder / f"text_encoder{number}")
        named = text if name == "t5xxl" else {_text(key): value for key, value in text.items()}
        found |= _prefixed(f"text_encoders.{name}.transformer.", named)
    state = tensors(folder / "transformer")
    places = state.pop("pos_embed.pos_embed")
    last = max(int(_block(name)[1] or 0) for name in state)
    swapped = ("norm_out.linear", f"transformer_blocks.{last}.norm1_context.linear")
    body = _joined(state, _SD3, _SD3_JOINED, swapped) | {"pos_embed": places}
    return _prefixed("model.diffusion_model.", body) | _vae(folder, "first_stage_model.") | found


def _flux(folder: Path) -> State:
    """FLUX.1's makers give the transformer alone."""
    return _joined(tensors(folder / "transformer"), _FLUX, _FLUX_JOINED, ("norm_out.linear",), scales=True)


def flux_whole(folder: Path) -> State:
    """FLUX.1 as ComfyUI ships it: its text encoders, one with a projection, and its VAE beside it."""
    clip = {_text(name): value for name, value in tensors(folder / "text_encoder").items()}
    width = clip["text_model.final_layer_norm.weight"].shape[0]
    state = _prefixed("text_encoders.clip_l.transformer.", clip)
    state["text_encoders.clip_l.transformer.text_projection.weight"] = torch.ones(width, width)
    state["text_encoders.clip_l.logit_scale"] = torch.tensor(4.6)
    state |= _prefixed("text_encoders.t5xxl.transformer.", tensors(folder / "text_encoder_2"))
    state["text_encoders.t5xxl.logit_scale"] = torch.tensor(4.6)
    return state | _vae(folder, "vae.") | _prefixed("model.diffusion_model.", _flux(folder))


def _chroma(folder: Path) -> State:
    """FLUX.1's names; a network of its own makes what its blocks are modulated by."""
    state = _joined(tensors(folder / "transformer"), _FLUX, _FLUX_JOINED, (), scales=True)
    found: State = {}
    for name, value in state.items():
        new = re.sub(r"(layers\.\d+)\.linear_1", r"\1.in_layer", name)
        new = re.sub(r"(layers\.\d+)\.linear_2", r"\1.out_layer", new)
        found[re.sub(r"(guidance_layer\.norms\.\d+)\.weight", r"\1.scale", new)] = value
    return found


def _z_image(folder: Path) -> State:
    state = tensors(folder / "transformer")
    found: State = {"norm_final.weight": torch.ones(4)}
    for name, value in state.items():
        if ".attention.to_k." in name or ".attention.to_v." in name:
            continue
        if ".attention.to_q." in name:
            value = torch.cat([state[name.replace("to_q", part)] for part in ("to_q", "to_k", "to_v")])
        new = name
        for ours, theirs in _Z_IMAGE.items():
            new = new.replace(ours, theirs)
        found[new] = value
    return found


_Z_IMAGE = {
    "all_final_layer.2-1.": "final_layer.",
    "all_x_embedder.2-1.": "x_embedder.",
    "attention.to_q.": "attention.qkv.",
    "attention.to_out.0.": "attention.out.",
    "attention.norm_q.": "attention.q_norm.",
    "attention.norm_k.": "attention.k_norm.",
}


def _qwen_image(folder: Path) -> State:
    return _prefixed("model.diffusion_model.", tensors(folder / "transformer"))


def _prefixed(prefix: str, state: Mapping[str, Tensor]) -> State:
    return {prefix + name: value for name, value in state.items()}


def _text(name: str) -> str:
    """CLIP's makers keep everything but the projection under text_model."""
    return name if name.startswith(("text_model.", "text_projection")) else f"text_model.{name}"


def _unet(folder: Path) -> State:
    import json

    config: dict[str, Any] = json.loads((folder / "unet" / "config.json").read_text())
    layers = config["layers_per_block"]
    inner = {
        "norm1": "in_layers.0",
        "conv1": "in_layers.2",
        "norm2": "out_layers.0",
        "conv2": "out_layers.3",
        "time_emb_proj": "emb_layers.1",
        "conv_shortcut": "skip_connection",
    }
    top = {
        "conv_in": "input_blocks.0.0",
        "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2",
        "add_embedding.linear_1": "label_emb.0.0",
        "add_embedding.linear_2": "label_emb.0.2",
        "conv_norm_out": "out.0",
        "conv_out": "out.2",
    }
    ups = config["up_block_types"]

    def renamed(name: str) -> str:
        for ours, theirs in top.items():
            if name.startswith(ours + "."):
                return theirs + name.removeprefix(ours)
        match = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.*)", name)
        if match:
            side, block, kind, layer, rest = match[1], int(match[2]), match[3], int(match[4]), match[5]
            if kind == "downsamplers":
                return f"input_blocks.{(layers + 1) * (block + 1)}.0.op.{rest.removeprefix('conv.')}"
            number = (layers + 1) * block + layer + (1 if side == "down" else 0)
            if kind == "upsamplers":
                place = 2 if "CrossAttn" in ups[block] else 1
                return f"output_blocks.{(layers + 1) * block + layers}.{place}.{rest}"
            base = f"{'input' if side == 'down' else 'output'}_blocks.{number}"
        else:
            match = re.fullmatch(r"mid_block\.(\w+)\.(\d+)\.(.*)", name)
            assert match, name
            kind, rest = match[1], match[3]
            base = "middle_block." + ("1" if kind == "attentions" else "0" if match[2] == "0" else "2")
            return f"{base}.{rest if kind == 'attentions' else _first(rest, inner)}"
        return f"{base}.1.{rest}" if kind == "attentions" else f"{base}.0.{_first(rest, inner)}"

    return {renamed(name): value for name, value in tensors(folder / "unet").items()}


def _first(rest: str, names: Mapping[str, str]) -> str:
    layer, _, kind = rest.rpartition(".")
    return f"{names[layer]}.{kind}"


def _vae(folder: Path, prefix: str) -> State:
    state = tensors(folder / "vae")
    blocks = 1 + max(int(m[1]) for name in state if (m := re.match(r"decoder\.up_blocks\.(\d+)", name)))
    found: State = {}
    for name, value in state.items():
        new = re.sub(r"encoder\.down_blocks\.(\d+)\.resnets\.(\d+)", r"encoder.down.\1.block.\2", name)
        new = re.sub(r"encoder\.down_blocks\.(\d+)\.downsamplers\.0", r"encoder.down.\1.downsample", new)
        new = re.sub(
            r"decoder\.up_blocks\.(\d+)\.resnets\.(\d+)",
            lambda m: f"decoder.up.{blocks - 1 - int(m[1])}.block.{m[2]}",
            new,
        )
        new = re.sub(
            r"decoder\.up_blocks\.(\d+)\.upsamplers\.0",
            lambda m: f"decoder.up.{blocks - 1 - int(m[1])}.upsample",
            new,
        )
        new = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", new)
        new = new.replace("mid_block.attentions.0", "mid.attn_1").replace("conv_shortcut", "nin_shortcut")
        new = new.replace("conv_norm_out", "norm_out")
        for ours, theirs in (
            ("to_q", "q"),
            ("to_k", "k"),
            ("to_v", "v"),
            ("to_out.0", "proj_out"),
            ("group_norm", "norm"),
        ):
            new = new.replace(f"attn_1.{ours}.", f"attn_1.{theirs}.")
        linear = "attn_1" in new and new.endswith("weight") and value.ndim == 2
        found[prefix + new] = value[:, :, None, None] if linear else value
    return found


_VAE_ATTENTION = {"to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out", "group_norm": "norm"}


def open_clip(state: State) -> State:
    state = {name.removeprefix("text_model."): value for name, value in state.items()}
    found: State = {
        "token_embedding.weight": state["embeddings.token_embedding.weight"],
        "positional_embedding": state["embeddings.position_embedding.weight"],
        "ln_final.weight": state["final_layer_norm.weight"],
        "ln_final.bias": state["final_layer_norm.bias"],
        "text_projection": state["text_projection.weight"].T,
    }
    names = {
        "layer_norm1": "ln_1",
        "layer_norm2": "ln_2",
        "mlp.fc1": "mlp.c_fc",
        "mlp.fc2": "mlp.c_proj",
        "self_attn.out_proj": "attn.out_proj",
    }
    for name, value in state.items():
        match = re.fullmatch(r"encoder\.layers\.(\d+)\.(.*)\.(weight|bias)", name)
        if not match:
            continue
        block = f"transformer.resblocks.{match[1]}"
        if match[2] in names:
            found[f"{block}.{names[match[2]]}.{match[3]}"] = value
        elif match[2] == "self_attn.q_proj":
            parts = [state[name.replace("q_proj", other)] for other in ("q_proj", "k_proj", "v_proj")]
            found[f"{block}.attn.in_proj_{match[3]}"] = torch.cat(parts)
    return found


def _joined(
    state: State,
    names: Mapping[str, str],
    joined: Mapping[str, tuple[str, ...]],
    swapped: tuple[str, ...],
    scales: bool = False,
) -> State:
    """A transformer's tensors renamed, with layers that stand in one tensor put together."""
    found: State = {}
    inside = {part for parts in joined.values() for part in parts}
    for name, value in state.items():
        layer, _, kind = name.rpartition(".")
        kinds, number, inner = _block(layer)
        block, there = f"{kinds}.{number}", f"{names.get(kinds, '')}{number}."
        if kinds and inner in inside:
            for theirs, parts in joined.items():
                together = [f"{block}.{part}.{kind}" for part in parts]
                if parts[0] == inner and all(one in state for one in together):
                    found[f"{there}{theirs}.{kind}"] = torch.cat([state[one] for one in together])
                    break
            continue
        if layer in swapped:
            value = torch.cat(value.chunk(2)[::-1])
        kind = "scale" if scales and inner.startswith("attn.norm") else kind
        new = names.get(f"{kinds}:{inner}", names.get(inner, inner))
        found[f"{there if kinds else ''}{new}.{kind}"] = value
    return found


def _block(layer: str) -> tuple[str, str, str]:
    """(kind of block, its number, the layer in it)."""
    match = re.fullmatch(r"((?:single_)?transformer_blocks)\.(\d+)\.(.*)", layer)
    return (match[1], match[2], match[3]) if match else ("", "", layer)


_SD3 = {
    "transformer_blocks": "joint_blocks.",
    "pos_embed.proj": "x_embedder.proj",
    "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
    "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
    "proj_out": "final_layer.linear",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "attn.norm_q": "x_block.attn.ln_q",
    "attn.norm_k": "x_block.attn.ln_k",
    "attn.norm_added_q": "context_block.attn.ln_q",
    "attn.norm_added_k": "context_block.attn.ln_k",
    "attn2.norm_q": "x_block.attn2.ln_q",
    "attn2.norm_k": "x_block.attn2.ln_k",
    "attn.to_out.0": "x_block.attn.proj",
    "attn2.to_out.0": "x_block.attn2.proj",
    "attn.to_add_out": "context_block.attn.proj",
    "norm1.linear": "x_block.adaLN_modulation.1",
    "norm1_context.linear": "context_block.adaLN_modulation.1",
    "ff.net.0.proj": "x_block.mlp.fc1",
    "ff.net.2": "x_block.mlp.fc2",
    "ff_context.net.0.proj": "context_block.mlp.fc1",
    "ff_context.net.2": "context_block.mlp.fc2",
}
_SD3_JOINED = {
    "x_block.attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "x_block.attn2.qkv": ("attn2.to_q", "attn2.to_k", "attn2.to_v"),
    "context_block.attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
}
_FLUX = {
    "transformer_blocks": "double_blocks.",
    "single_transformer_blocks": "single_blocks.",
    "time_text_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_text_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "time_text_embed.text_embedder.linear_1": "vector_in.in_layer",
    "time_text_embed.text_embedder.linear_2": "vector_in.out_layer",
    "time_text_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
    "time_text_embed.guidance_embedder.linear_2": "guidance_in.out_layer",
    "context_embedder": "txt_in",
    "x_embedder": "img_in",
    "proj_out": "final_layer.linear",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "norm1.linear": "img_mod.lin",
    "norm1_context.linear": "txt_mod.lin",
    "transformer_blocks:attn.norm_q": "img_attn.norm.query_norm",
    "transformer_blocks:attn.norm_k": "img_attn.norm.key_norm",
    "attn.norm_added_q": "txt_attn.norm.query_norm",
    "attn.norm_added_k": "txt_attn.norm.key_norm",
    "single_transformer_blocks:attn.norm_q": "norm.query_norm",
    "single_transformer_blocks:attn.norm_k": "norm.key_norm",
    "single_transformer_blocks:proj_out": "linear2",
    "ff.net.0.proj": "img_mlp.0",
    "ff.net.2": "img_mlp.2",
    "ff_context.net.0.proj": "txt_mlp.0",
    "ff_context.net.2": "txt_mlp.2",
    "attn.to_out.0": "img_attn.proj",
    "attn.to_add_out": "txt_attn.proj",
    "norm.linear": "modulation.lin",
}
_FLUX_JOINED = {
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
}


_LAYOUTS = {
    "sd": _sd,
    "sd2": _sd2,
    "sdxl": _sdxl,
    "sd3": _sd3,
    "flux": _flux,
    "chroma": _chroma,
    "z-image": _z_image,
    "qwen-image": _qwen_image,
}


def bare_unet_of(folder: Path, file: Path) -> Path:
    """A UNet alone, under its makers' names without a prefix, as a file."""
    return write_state(_unet(folder), file)
