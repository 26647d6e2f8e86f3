"""Weights in fewer bits, as the programs that people use keep them, and what they then are.

Written down from their formats: bitsandbytes' dictionaries of a weight, ComfyUI's scaled float8, GGUF.
"""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from tests.model_files.original import State

Stored = tuple[State, Tensor]
"""(what stands in the file for a layer, its weight as it is then)."""

Way = Callable[[str, Tensor], Stored]
"""(layer, weight) to what is kept of it."""

NF4 = torch.tensor(
    [-1.0, -0.6962, -0.5251, -0.3949, -0.2844, -0.1848, -0.0911, 0.0]
    + [0.0796, 0.1609, 0.2461, 0.3379, 0.4407, 0.5626, 0.7230, 1.0]
)


def old_fp8(layer: str, weight: Tensor) -> Stored:
    """float8 with a scale of the whole, as ComfyUI first wrote it."""
    scale = weight.abs().max() / 448
    stored = (weight / scale).to(torch.float8_e4m3fn)
    return {f"{layer}.weight": stored, f"{layer}.scale_weight": scale}, stored.float() * scale


def new_fp8(layer: str, weight: Tensor) -> Stored:
    """The same as it writes it now, with the format in JSON beside it."""
    scale = weight.abs().max() / 448
    stored = (weight / scale).to(torch.float8_e4m3fn)
    told = torch.tensor(list(json.dumps({"format": "float8_e4m3fn"}).encode()), dtype=torch.uint8)
    kept = {f"{layer}.weight": stored, f"{layer}.weight_scale": scale, f"{layer}.comfy_quant": told}
    return kept | {f"{layer}.input_scale": torch.tensor(1.0)}, stored.float() * scale


def int8(layer: str, weight: Tensor) -> Stored:
    """bitsandbytes in 8 bits: whole numbers by rows."""
    largest = weight.abs().amax(1)
    stored = (weight / largest[:, None] * 127).round().to(torch.int8)
    kept = {f"{layer}.weight": stored, f"{layer}.SCB": largest}
    return kept | {f"{layer}.weight_format": torch.tensor(0, dtype=torch.uint8)}, stored * largest[
        :, None
    ] / 127


def nf4(layer: str, weight: Tensor) -> Stored:
    """bitsandbytes in 4 bits, blocks of 64, their largest values in 8 bits by blocks of 256."""
    flat = weight.flatten()
    padded = torch.cat([flat, flat.new_zeros(-len(flat) % 64)]).reshape(-1, 64)
    codebook, offset = torch.linspace(-1, 1, 256), padded.abs().amax(1).mean()
    centred = padded.abs().amax(1) - offset
    groups = [group.abs().max().clamp(min=1e-8) for group in centred.split(256)]
    codes = [
        ((part / most)[:, None] - codebook).abs().argmin(1)
        for part, most in zip(centred.split(256), groups, strict=True)
    ]
    kept_codes, nested = torch.cat(codes), torch.stack(groups)
    largest = codebook[kept_codes] * nested.repeat_interleave(256)[: len(kept_codes)] + offset
    stored = (
        ((padded / largest[:, None])[..., None] - NF4).abs().argmin(-1).flatten()[: len(flat) + len(flat) % 2]
    )
    packed = (stored[::2] << 4 | stored[1::2]).to(torch.uint8)[:, None]
    told = {"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": list(weight.shape)}
    told |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": float(offset)}
    weight_name = f"{layer}.weight"
    kept = {
        weight_name: packed,
        f"{weight_name}.absmax": kept_codes.to(torch.uint8),
        f"{weight_name}.quant_map": NF4,
        f"{weight_name}.nested_absmax": nested,
        f"{weight_name}.nested_quant_map": codebook,
        f"{weight_name}.quant_state.bitsandbytes__nf4": torch.tensor(
            list(json.dumps(told).encode()), dtype=torch.uint8
        ),
    }
    read = NF4[stored] * largest.repeat_interleave(64)[: len(stored)]
    return kept, read[: len(flat)].reshape(weight.shape)


def quantised(state: State, way: Way, prefix: str = "") -> tuple[State, State]:
    """(the state with every linear layer under the prefix kept in that way, the same as it is then read)."""
    kept, read = dict(state), dict(state)
    for name, value in state.items():
        if name.startswith(prefix) and name.endswith(".weight") and value.dim() == 2 and value.shape[1] >= 16:
            stored, now = way(name.removesuffix(".weight"), value)
            kept |= stored
            read[name] = now
    return kept, read


def write_gguf(state: State, file: Path) -> State:
    """A state as a GGUF file, its linear layers in Q8_0; returned as it is then read."""
    import gguf

    writer, read = gguf.GGUFWriter(str(file), "flux"), dict(state)
    for name, value in state.items():
        values, kind = value.float().numpy(), gguf.GGMLQuantizationType.F32
        if value.dim() == 2 and value.shape[1] % 32 == 0:
            kind = gguf.GGMLQuantizationType.Q8_0
        stored = gguf.quants.quantize(values, kind)
        writer.add_tensor(name, stored, raw_dtype=kind)
        read[name] = torch.from_numpy(gguf.quants.dequantize(stored, kind).copy()).reshape(value.shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return read
