"""Weights kept in fewer bits: told by the tensors beside them, and read at the model's own dtype.

What is known: float8 with a scale (ComfyUI, both layouts), NF4, FP4 and int8 of bitsandbytes. QLoRA, Dettmers
et al., arXiv 2305.14314, section 3; LLM.int8(), Dettmers et al., arXiv 2208.07339, section 2.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from negspace.errors import ModelError
from negspace.models.files.headers import TensorHeader

if TYPE_CHECKING:
    from torch import Tensor

    State = dict[str, Tensor]

_FOUR_BITS = re.compile(r"(?P<layer>.+)\.weight\.quant_state\.bitsandbytes__(?:nf4|fp4)")
_ENDINGS = (".scale_weight", ".weight_scale", ".SCB")
"""Names of scales, beside the weight of their layer."""

_BESIDE = re.compile(
    r"(?P<layer>.+)\.(?:scale_weight|weight_scale|SCB|scale_input|input_scale|weight_format|comfy_quant"
    r"|weight\.(?:absmax|quant_map|nested_absmax|nested_quant_map|quant_state\.bitsandbytes__\w+))"
)
"""Names of all that stands beside such a weight."""

_MARK = "scaled_fp8"
_FOREIGN = (
    ("GPTQ or AWQ", re.compile(r".+\.(qzeros|g_idx|scales)")),
    ("SVDQuant (nunchaku)", re.compile(r".+\.(wscales|smooth_factor|proj_down)")),
    ("NVFP4", re.compile(r".+\.weight_scale_2")),
)
"""Kinds that are known and not read, by a tensor that only they have."""


def check_quantised(file: Path, tensors: Mapping[str, TensorHeader]) -> None:
    """Stop before weights that are kept in a way that cannot be read here.

    Raises:
        ModelError: they are; the way is named.
    """
    for kind, pattern in _FOREIGN:
        if name := next(filter(pattern.fullmatch, tensors), None):
            raise _unread(file, f"as {kind} ({name})")
    layers = quantised_layers(tensors)
    for name, tensor in tensors.items():
        layer, _, kind = name.rpartition(".")
        if kind == "weight" and not tensor.dtype.startswith(("F", "BF", "Q")) and layer not in layers:
            raise _unread(file, f"as whole numbers without a known scale ({name} is {tensor.dtype})")


def quantised_layers(names: Collection[str]) -> set[str]:
    """The layers whose weights are kept in fewer bits, with a scale beside them."""
    scaled = {name.removesuffix(end) for name in names for end in _ENDINGS if name.endswith(end)}
    return scaled | {match["layer"] for name in names if (match := _FOUR_BITS.fullmatch(name))}


def dequantised(state: "State", file: Path) -> "State":
    """The same with every weight that is kept in fewer bits as a float, and without its scales.

    Raises:
        ModelError: a scale does not fit its weight, or is of a format that is not known.
    """
    layers = quantised_layers(state)
    read = {name: value for name, value in state.items() if not _is_beside(name, layers)}
    return read | {f"{layer}.weight": _weight(layer, state, file) for layer in sorted(layers)}


def _is_beside(name: str, layers: Collection[str]) -> bool:
    match = _BESIDE.fullmatch(name)
    return name.endswith(_MARK) or (match is not None and match["layer"] in layers)


def _weight(layer: str, state: "State", file: Path) -> "Tensor":
    ways: tuple[tuple[str, Callable[[str, Any], Any]], ...] = (
        (".scale_weight", _scaled),
        (".weight_scale", _scaled),
        (".SCB", _eight_bits),
    )
    try:
        for ending, way in ways:
            if layer + ending in state:
                return way(layer, state)
        return _four_bits(layer, state)
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise _unread(file, f"in a way that is not whole ({layer}.weight: {reason})") from None


def _scaled(layer: str, state: "State") -> "Tensor":
    """W = scale * stored, the scale of the whole weight or of each of its rows."""
    scale = state.get(f"{layer}.scale_weight", state.get(f"{layer}.weight_scale"))
    assert scale is not None
    description = state.get(f"{layer}.comfy_quant")
    if description is not None:
        format = json.loads(bytes(description.tolist())).get("format")
        if not str(format).startswith(("float8", "int8_tensorwise")):
            raise ValueError(f"its format is {format!r}")
    weight = state[f"{layer}.weight"].float()
    scale = scale.float()
    return weight * (scale if scale.numel() == 1 else scale.reshape(-1, *[1] * (weight.dim() - 1)))


def _eight_bits(layer: str, state: "State") -> "Tensor":
    """W = stored * (largest of its row) / 127."""
    return state[f"{layer}.weight"].float() * state[f"{layer}.SCB"].float()[:, None] / 127


def _four_bits(layer: str, state: "State") -> "Tensor":
    """W = codebook[stored] * (largest of its block), which may be kept in 8 bits, by blocks of its own."""
    import torch

    weight = f"{layer}.weight"
    description = next(name for name in state if name.startswith(f"{weight}.quant_state."))
    facts = json.loads(bytes(state[description].tolist()))
    largest = state[f"{weight}.absmax"]
    if f"{weight}.nested_absmax" in state:
        nested = state[f"{weight}.nested_quant_map"].float()[largest.long()]
        blocks = _spread(state[f"{weight}.nested_absmax"].float(), facts["nested_blocksize"], nested.numel())
        largest = nested * blocks + facts["nested_offset"]
    packed = state[weight].reshape(-1).long()
    stored = torch.stack([packed >> 4, packed & 15], 1).reshape(-1)
    values = state[f"{weight}.quant_map"].float()[stored][: torch.Size(facts["shape"]).numel()]
    return (values * _spread(largest.float(), facts["blocksize"], values.numel())).reshape(facts["shape"])


def _spread(of_blocks: "Tensor", size: int, values: int) -> "Tensor":
    """One value for each of `values`, of the block of `size` that it stands in."""
    return of_blocks.repeat_interleave(size)[:values]


def _unread(file: Path, how: str) -> ModelError:
    return ModelError(
        f"{str(file)!r} keeps its weights {how}, which is not read here; take another copy of it"
    )
