"""Weights in few bits against the libraries that keep them so; these need not be installed."""

from pathlib import Path
from typing import Any

import pytest
import torch

from negspace.models.files.quantised import dequantised

SHAPES = [(96, 128), (33, 64), (7, 30)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["nf4", "fp4"])
@pytest.mark.parametrize("nested", [True, False])
def test_four_bits_are_read_as_bitsandbytes_reads_them(
    shape: tuple[int, int], kind: str, nested: bool
) -> None:
    bits: Any = pytest.importorskip("bitsandbytes.functional")
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    stored, state = bits.quantize_4bit(weight, blocksize=64, compress_statistics=nested, quant_type=kind)
    beside = {f"a.weight.{name}": value for name, value in state.as_dict(packed=True).items()}
    read = dequantised({"a.weight": stored, **beside}, Path("mine"))
    assert list(read) == ["a.weight"] and torch.equal(read["a.weight"], bits.dequantize_4bit(stored, state))


@pytest.mark.parametrize("shape", SHAPES)
def test_eight_bits_are_read_as_bitsandbytes_reads_them(shape: tuple[int, int]) -> None:
    bits: Any = pytest.importorskip("bitsandbytes.functional")
    stored, largest, _ = bits.int8_vectorwise_quant(torch.randn(shape))
    read = dequantised({"a.weight": stored, "a.SCB": largest}, Path("mine"))["a.weight"]
    assert torch.allclose(read, bits.int8_vectorwise_dequant(stored, largest), atol=1e-6)
