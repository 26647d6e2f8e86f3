"""How much memory a model will take, from the headers of its files alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from negspace.models.architecture.family import Family
from negspace.models.catalogue import family_of
from negspace.models.files.headers import Held, read_header, weight_files
from negspace.models.files.source import Saving, Source, find

WIDTHS = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a value in an arithmetic."""


@dataclass(frozen=True)
class MemoryEstimate:
    """The weights of a model. What layers need while they work comes on top, and grows with the picture.

    Attributes:
        parts: values of each part, by its folder; "whole" where one file holds them all.
        largest: values of the largest tensor of each part.
        device: parts that stand on the device together; the others come one at a time.
    """

    parts: dict[str, int]
    largest: dict[str, int]
    device: tuple[tuple[str, ...], ...]

    def bytes(self, dtype: str) -> int:
        """On the device at most, in an arithmetic of `WIDTHS`."""
        sizes = (sum(self._values(part) for part in together) for together in self.device)
        return max(sizes, default=0) * WIDTHS[dtype]

    def _values(self, part: str) -> int:
        layer = part.removesuffix(_LAYERWISE)
        return self.largest[layer] if part != layer else self.parts[part]


_LAYERWISE = " by layers"


def estimate(source: Source) -> MemoryEstimate | None:
    """What a source will take; None where its weights are not here yet, or are pickled.

    Raises:
        ModelError: nothing is there, or a file is damaged.
    """
    folder = find(source)
    family = family_of(folder)
    texts = {part.folder for part in family.present(folder)}
    held: dict[str, list[Held]] = {}
    for part in family.parts:
        if part in family.texts and part.folder not in texts:
            continue
        files = weight_files(folder.path / part.folder)
        if files:
            held[part.folder] = _held(files)
    if folder.file is not None:
        if folder.file.suffix != ".safetensors":
            return None
        held = {"whole": _held([folder.file])}
    elif len(held) < len(texts) + 2:
        return None
    parts = {name: sum(one.values for one in tensors) for name, tensors in held.items()}
    largest = {name: max((one.values for one in tensors), default=0) for name, tensors in held.items()}
    return MemoryEstimate(parts, largest, _together(tuple(held), source.savings, family))


def _held(files: Iterable[Path]) -> list[Held]:
    return [one for file in files for one in read_header(file).values()]


def _together(
    names: tuple[str, ...], savings: tuple[Saving, ...], family: Family
) -> tuple[tuple[str, ...], ...]:
    if "model offload" in savings:
        return tuple((name,) for name in names)
    if "sequential offload" in savings:
        apart = (family.denoiser.folder, family.vae.folder)
        return tuple((name + _LAYERWISE if name in apart else name,) for name in names)
    return (names,)
