"""A hash of everything that an encoder's results depend on, by which a cache tells encoders apart."""

import hashlib
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

SAMPLES = 1024
"""Values of each tensor that enter the hash directly, evenly spread; all of them enter through their sum."""


WITHOUT_FLOAT64 = ("mps",)
"""Devices that have no numbers of 64 bits."""


def fingerprint(model: torch.nn.Module, *facts: Any) -> str:
    """sha256, in hex, over a model's weights and over plain values, tensors and dataclasses."""
    digest = hashlib.sha256(type(model).__qualname__.encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(_tensor_digest(tensor))
    for fact in facts:
        digest.update(_plain(fact).encode())
    return digest.hexdigest()


def _tensor_digest(tensor: Tensor) -> bytes:
    """Shape, dtype, sum and some values: cheap for gigabytes, and every ordinary change shows."""
    flat = tensor.detach().flatten()
    picked = flat[:: max(1, flat.numel() // SAMPLES)].cpu().to(torch.float64)
    total = (flat.cpu() if flat.device.type in WITHOUT_FLOAT64 else flat).sum(dtype=torch.float64).item()
    return f"{tuple(tensor.shape)}{tensor.dtype}{total!r}".encode() + picked.numpy().tobytes()


def _plain(value: Any) -> str:
    """A text that is equal for equal values, whatever order sets and mappings keep."""
    if isinstance(value, Tensor):
        return hashlib.sha256(
            value.detach().cpu().to(torch.float64).contiguous().numpy().tobytes()
        ).hexdigest()
    if isinstance(value, dict):
        return _plain(sorted(value.items()))
    if isinstance(value, frozenset):
        return _plain(sorted(value))
    if isinstance(value, tuple | list):
        return f"({','.join(map(_plain, value))})"
    if is_dataclass(value):
        return _plain({field.name: getattr(value, field.name) for field in fields(value)})
    return repr(value)
