"""The names that llama.cpp gives the tensors of T5's encoder in GGUF files, and those of transformers."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")

TOKENS = "token_embd.weight"
_TOP = {"token_embd": "shared", "enc.output_norm": "encoder.final_layer_norm"}
_LAYERS = {
    "attn_q": "layer.0.SelfAttention.q",
    "attn_k": "layer.0.SelfAttention.k",
    "attn_v": "layer.0.SelfAttention.v",
    "attn_o": "layer.0.SelfAttention.o",
    "attn_rel_b": "layer.0.SelfAttention.relative_attention_bias",
    "attn_norm": "layer.0.layer_norm",
    "ffn_gate": "layer.1.DenseReluDense.wi_0",
    "ffn_down": "layer.1.DenseReluDense.wo",
    "ffn_norm": "layer.1.layer_norm",
}
_BLOCK = re.compile(r"enc\.blk\.(\d+)\.(\w+)\.weight")


def is_llama_t5(names: Iterable[str]) -> bool:
    """Whether tensors have such names."""
    return any(name.startswith("enc.blk.") for name in names)


def t5_names(state: Mapping[str, T]) -> dict[str, T]:
    """The encoder under the names of transformers.

    Raises:
        KeyError: a tensor has a name that is not known.
    """
    gated = any(name.endswith(".ffn_gate.weight") for name in state)
    layers = {**_LAYERS, "ffn_up": f"layer.1.DenseReluDense.wi{'_1' if gated else ''}"}
    renamed: dict[str, T] = {}
    for name, value in state.items():
        if match := _BLOCK.fullmatch(name):
            renamed[f"encoder.block.{match[1]}.{layers[match[2]]}.weight"] = value
        else:
            renamed[f"{_TOP[name.removesuffix('.weight')]}.weight"] = value
    return renamed
