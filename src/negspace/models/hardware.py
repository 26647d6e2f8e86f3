"""Which arithmetic and memory layout a device does best."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from negspace.errors import ModelError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Placement:
    """Where a network works, the arithmetic of its layers, and the order of its pictures in memory.

    Attributes:
        rest: where its weights stay while it does not work; None is where it works.
    """

    device: torch.device
    dtype: torch.dtype
    layout: torch.memory_format
    rest: torch.device | None = None

    @property
    def weights(self) -> torch.device:
        """Where weights are put when they are read."""
        return self.rest or self.device

    def resting(self, device: str) -> "Placement":
        """The same with weights that stay on a device until they work, and return to it."""
        return replace(self, rest=torch.device(device))

    def for_settings(self, settings: Mapping[str, Any]) -> "Placement":
        """The placement of a part with these settings: `force_upcast` says that it overflows in float16."""
        if self.dtype == torch.float16 and settings.get("force_upcast", False):
            return replace(self, dtype=torch.float32)
        return self


def choose_placement(dtype: str | None = None, device: str | None = None) -> Placement:
    """The placement for this machine; what is given wins over what would be chosen.

    bfloat16 with channels last is several times faster than float32 on CPUs that multiply it in hardware
    (AMX, AVX512-BF16) and on CUDA. Elsewhere it would be emulated, so float32 is chosen.

    Args:
        dtype: "float32", "bfloat16", "float16", or None to choose.
        device: a torch device, or None for CUDA where there is one, else the CPU.

    Raises:
        ModelError: there is no such dtype or device.
    """
    place = _device(device)
    if dtype is None:
        dtype = "bfloat16" if _fast_bfloat16(place) else "float32"
    if dtype not in DTYPES:
        raise ModelError(f"there is no dtype {dtype!r}; dtypes are: {', '.join(DTYPES)}")
    chosen = DTYPES[dtype]
    narrow = chosen != torch.float32
    return Placement(place, chosen, torch.channels_last if narrow else torch.contiguous_format)


def _device(name: str | None) -> torch.device:
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ModelError(f"there is no device {name!r}; try cpu, cuda, cuda:0 or mps") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelError(
            f"device {name!r} is not there; this machine has {torch.cuda.device_count()} of CUDA"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ModelError(f"device {name!r} is not there; this machine or its torch has none")
    return device


def _fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
    return False
