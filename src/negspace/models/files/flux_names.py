"""The makers' names of the tensors of FLUX.1 and Chroma, and those of diffusers; widths are its own."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

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
    "distilled_guidance_layer.in_proj": "distilled_guidance_layer.in_proj",
    "distilled_guidance_layer.out_proj": "distilled_guidance_layer.out_proj",
}
_GUIDANCE = re.compile(r"(distilled_guidance_layer\.(?:layers|norms)\.\d+)(?:\.(in|out)_layer)?")
"""The network of Chroma that makes what FLUX.1 modulates its blocks by."""

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
    """The transformer of FLUX.1 or Chroma under the names of diffusers.

    Raises:
        KeyError: a tensor has a name that is not known.
    """
    import torch

    width = state["img_in.weight"].shape[0]
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        layer, _, kind = name.rpartition(".")
        kind = "weight" if kind == "scale" else kind
        top, _, rest = layer.partition("_blocks.")
        if top not in ("double", "single") or not rest:
            if layer == "final_layer.adaLN_modulation.1":  # shift and scale stand the other way round there
                tensors[f"norm_out.linear.{kind}"] = torch.cat(value.chunk(2)[::-1])
            else:
                tensors[f"{_top(layer)}.{kind}"] = value
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


def _top(layer: str) -> str:
    """The name of a layer that is in no block."""
    match = _GUIDANCE.fullmatch(layer)
    if match is None:
        return _FLUX[layer]
    return match[1] + {"in": ".linear_1", "out": ".linear_2", None: ""}[match[2]]
