"""The names that OpenAI and OpenCLIP give the tensors of a CLIP text model, and those of transformers.

LongCLIP (arXiv 2403.15378, section 3.1) keeps the first 20 positions of CLIP and has the later ones in a
table of its own.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

TOKENS = "token_embedding.weight"
POSITIONS = "positional_embedding"
_KEPT_POSITIONS = 20

_TOP = {
    TOKENS: "embeddings.token_embedding.weight",
    POSITIONS: "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
_LAYERS = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_JOINED = ("q_proj", "k_proj", "v_proj")
_BLOCK = re.compile(r"transformer\.resblocks\.(\d+)\.(.+?)[._](weight|bias)")


def open_clip_names(state: "Mapping[str, Tensor]", layers: int) -> "dict[str, Tensor]":
    """A text model under the names of transformers. What sees pictures, and scales, are left out.

    Args:
        layers: how many the model has; files hold a last one that Stable Diffusion 2 does not read.

    Raises:
        KeyError: there are more, or one has a tensor of a name that is not known.
    """
    import torch

    renamed: dict[str, Tensor] = {new: state[old] for old, new in _TOP.items() if old in state}
    if (later := state.get(f"{POSITIONS}_res")) is not None:
        kept = state[POSITIONS][:_KEPT_POSITIONS]
        renamed[_TOP[POSITIONS]] = torch.cat([kept.to(later), later[_KEPT_POSITIONS:]])
    for name, value in state.items():
        match = _BLOCK.fullmatch(name)
        if match is None:
            continue
        block, inner, kind = f"encoder.layers.{match[1]}", match[2], match[3]
        if int(match[1]) > layers or inner not in (*_LAYERS, "attn.in_proj"):
            raise KeyError(name)
        if int(match[1]) == layers:
            continue
        if inner == "attn.in_proj":
            for part, piece in zip(_JOINED, value.chunk(3), strict=True):
                renamed[f"{block}.self_attn.{part}.{kind}"] = piece
        else:
            renamed[f"{block}.{_LAYERS[inner]}.{kind}"] = value
    renamed = {f"text_model.{name}": value for name, value in renamed.items()}
    if "text_projection" in state:
        renamed["text_projection.weight"] = state["text_projection"].T.contiguous()
    elif "text_projection.weight" in state:
        renamed["text_projection.weight"] = state["text_projection.weight"]
    return renamed
