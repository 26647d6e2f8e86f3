"""Headers of safetensors files, read without the weights, and checked against the file itself."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negspace.errors import ModelError

BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "F8_E8M0": 1,
    "I64": 8,
    "U64": 8,
    "I32": 4,
    "U32": 4,
    "I16": 2,
    "U16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
"""Bytes of one value, by dtype."""

LARGEST_HEADER = 100_000_000
"""Bytes; the limit of the format."""


@dataclass(frozen=True)
class TensorHeader:
    """What a header says of one tensor; its dtype is in `BYTES`."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def values(self) -> int:
        """How many values it has."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Header:
    """The header of a file: its tensors by name, and what else its writer noted."""

    tensors: dict[str, TensorHeader]
    metadata: dict[str, str]


def read_header(file: Path) -> Header:
    """The header of a safetensors file.

    Raises:
        ModelError: it is no safetensors file, is cut off, or holds something other than it says.
    """
    content, size = _read_json(file)
    metadata = content.pop("__metadata__", None)
    metadata = metadata if isinstance(metadata, dict) else {}
    entries = {name: _checked(file, name, entry) for name, entry in content.items()}
    _check_offsets(file, [offsets for offsets, _ in entries.values()], size)
    tensors = {name: tensor for name, (_, tensor) in entries.items()}
    return Header(tensors, {str(key): str(value) for key, value in metadata.items()})


def _read_json(file: Path) -> tuple[dict[str, Any], int]:
    """(the JSON of the header, bytes of the file behind it)."""
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if size < 8 or length > min(size - 8, LARGEST_HEADER):
                raise damaged(
                    file, f"its header should take {length} bytes and the file has {size}; it is cut off"
                )
            content = json.loads(opened.read(length))
    except OSError as error:
        raise ModelError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise damaged(file, "its header is not JSON") from None
    if not isinstance(content, dict):
        raise damaged(file, "its header is not a JSON object")
    return content, size - 8 - length


def _checked(file: Path, name: str, entry: Any) -> tuple[tuple[int, int], TensorHeader]:
    """((first byte, byte after the last) of a tensor, its header)."""
    try:
        dtype, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        whole = [*shape, start, stop]
    except (KeyError, TypeError, ValueError):
        raise damaged(file, f"its header describes {name[:80]!r} in no known way") from None
    if dtype not in BYTES:
        raise ModelError(
            f"{str(file)!r} has {name[:80]!r} of the dtype {dtype!r:.20}, which is not known here"
        )
    if not all(type(number) is int and number >= 0 for number in whole):
        raise damaged(file, f"{name[:80]!r} has a shape or place that is no whole number")
    tensor = TensorHeader(dtype, tuple(shape))
    if tensor.values * BYTES[dtype] != stop - start:
        raise damaged(file, f"{name[:80]!r} of shape {list(shape)!s:.60} does not take {stop - start} bytes")
    return (start, stop), tensor


def _check_offsets(file: Path, offsets: list[tuple[int, int]], size: int) -> None:
    """Tensors stand one after the other and fill the file."""
    end = 0
    for start, stop in sorted(offsets):
        if start != end:
            raise damaged(file, "its tensors overlap or leave gaps")
        end = stop
    if end != size:
        raise damaged(file, f"its tensors take {end} bytes and the file has {size} for them; it is cut off")


def damaged(file: Path, reason: str) -> ModelError:
    """The error for a damaged file."""
    return ModelError(f"{str(file)!r} is damaged: {reason}; fetch it again")


def check_inside(folder: Path, file: Path) -> None:
    """Stop where a file of a model is a link to somewhere else on the disk.

    A hub's cache links its files to blobs beside its snapshots, which is allowed.

    Raises:
        ModelError: it is such a link.
    """
    home, real = folder.resolve(), file.resolve()
    snapshots = next((folder for folder in (home, *home.parents) if folder.name == "snapshots"), None)
    allowed = [home] if snapshots is None else [home, snapshots.parent / "blobs"]
    if not any(real.is_relative_to(folder) for folder in allowed):
        raise ModelError(
            f"{str(file)!r} is a link to {str(real)!r}, outside of the model; copy the file there"
        )


def weight_files(folder: Path, endings: tuple[str, ...] = (".safetensors",)) -> list[Path]:
    """The weight files of a part, in order.

    Where the same weights are there twice, as "model.safetensors" and "model.fp16.safetensors", the files
    without a variant in their names are taken, else those of fp16.
    """
    files = [file for file in sorted(folder.glob("*")) if file.suffix in endings]
    variants = {variant_of(file) for file in files}
    chosen = min(variants, key=lambda variant: (variant != "", variant != "fp16", variant), default="")
    return [file for file in files if variant_of(file) == chosen]


def variant_of(file: Path) -> str:
    """The variant in the name of a weight file: "fp16" in "model.fp16-00001-of-00002.safetensors", or ""."""
    match = re.fullmatch(r"[^.]+?(?:\.(\w+))?(?:-\d+-of-\d+)?", file.stem)
    return match[1] or "" if match else ""
