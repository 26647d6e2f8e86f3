"""What a safetensors file says it holds, read without its weights and believed only as far as it is true."""

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
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
"""Bytes of one value, by dtype."""

LARGEST_HEADER = 100_000_000
"""Bytes; the limit of the format."""

COUNTERS = ("position_ids", "num_batches_tracked")
"""Ends of names whose values are whole numbers by right."""


@dataclass(frozen=True)
class Held:
    """One tensor of a file.

    Attributes:
        dtype: in `BYTES`.
        shape: of it.
    """

    dtype: str
    shape: tuple[int, ...]

    @property
    def values(self) -> int:
        """How many there are."""
        return math.prod(self.shape)


def read_header(file: Path) -> dict[str, Held]:
    """What a file holds, by name.

    Raises:
        ModelError: as `read_told`.
    """
    return read_told(file)[0]


def read_told(file: Path) -> tuple[dict[str, Held], dict[str, str]]:
    """What a file holds, by name; and its metadata.

    Raises:
        ModelError: it is no safetensors file, is cut off, or holds something other than it says.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if size < 8 or length > min(size - 8, LARGEST_HEADER):
                raise amiss(
                    file, f"its header should take {length} bytes and the file has {size}; it is cut off"
                )
            told = json.loads(opened.read(length))
    except OSError as error:
        raise ModelError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise amiss(file, "its header is not JSON") from None
    if not isinstance(told, dict):
        raise amiss(file, "its header is not a JSON object")
    metadata = told.pop("__metadata__", None)
    metadata = metadata if isinstance(metadata, dict) else {}
    ends = [_checked(file, name, entry) for name, entry in told.items()]
    _check_places(file, [end for end, _ in ends], size - 8 - length)
    held = {name: held for name, (_, held) in zip(told, ends, strict=True)}
    return held, {str(key): str(value) for key, value in metadata.items()}


def _checked(file: Path, name: str, entry: Any) -> tuple[tuple[int, int], Held]:
    """(where a tensor stands, what it is)."""
    try:
        dtype, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        whole = [*shape, start, stop]
    except (KeyError, TypeError, ValueError):
        raise amiss(file, f"its header tells {name[:80]!r} in no way that is known") from None
    if dtype not in BYTES:
        raise amiss(file, f"{name[:80]!r} has the dtype {dtype!r:.20}; known are {', '.join(BYTES)}")
    if not all(type(number) is int and number >= 0 for number in whole):
        raise amiss(file, f"{name[:80]!r} has a shape or place that is no whole number")
    held = Held(dtype, tuple(shape))
    if held.values * BYTES[dtype] != stop - start:
        raise amiss(file, f"{name[:80]!r} of shape {list(shape)!s:.60} does not take {stop - start} bytes")
    if not dtype.startswith(("F", "BF")) and not name.endswith(COUNTERS):
        raise amiss(file, f"{name[:80]!r} is {dtype}; quantised weights are not known here")
    return (start, stop), held


def _check_places(file: Path, places: list[tuple[int, int]], size: int) -> None:
    """Tensors stand one after the other and fill the file."""
    at = 0
    for start, stop in sorted(places):
        if start != at:
            raise amiss(file, "its tensors overlap or leave gaps")
        at = stop
    if at != size:
        raise amiss(file, f"its tensors take {at} bytes and the file has {size} for them; it is cut off")


def amiss(file: Path, told: str) -> ModelError:
    """The error for a damaged file."""
    return ModelError(f"{str(file)!r} is damaged: {told}; fetch it again")


def check_inside(folder: Path, file: Path) -> None:
    """Stop where a file of a model is a link to somewhere else on the disk.

    A hub's cache links its files to blobs beside its snapshots, which is allowed.

    Raises:
        ModelError: so it is.
    """
    home, real = folder.resolve(), file.resolve()
    snapshots = next((one for one in (home, *home.parents) if one.name == "snapshots"), None)
    allowed = [home] if snapshots is None else [home, snapshots.parent / "blobs"]
    if not any(real.is_relative_to(one) for one in allowed):
        raise ModelError(
            f"{str(file)!r} is a link to {str(real)!r}, outside of the model; copy the file there"
        )


def weight_files(folder: Path, endings: tuple[str, ...] = (".safetensors",)) -> list[Path]:
    """The weight files of a part, in order.

    Where the same weights lie there twice, as "model.safetensors" and "model.fp16.safetensors", they are the
    ones without a variant in their names, else those of fp16.
    """
    found = [file for file in sorted(folder.glob("*")) if file.suffix in endings]
    variants = {variant_of(file) for file in found}
    chosen = min(variants, key=lambda one: (one != "", one != "fp16", one), default="")
    return [file for file in found if variant_of(file) == chosen]


def variant_of(file: Path) -> str:
    """What "fp16" is in "model.fp16-00001-of-00002.safetensors"; "" where there is nothing of it."""
    match = re.fullmatch(r"[^.]+?(?:\.(\w+))?(?:-\d+-of-\d+)?", file.stem)
    return match[1] or "" if match else ""
