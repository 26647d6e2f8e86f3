"""How much memory a model will take, from the headers of its files alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from negspace.models.architecture.family import Family
from negspace.models.catalogue import family_of
from negspace.models.files.headers import TensorHeader, weight_files
from negspace.models.files.pickles import PICKLED
from negspace.models.files.source import ModelFolder, Saving, Source, find_model
from negspace.models.files.weights import read_contents

WIDTHS = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a value, by dtype."""

_BY_LAYERS = " by layers"


@dataclass(frozen=True)
class MemoryEstimate:
    """The weights of a model. What layers need while they work comes on top, and grows with the picture.

    Attributes:
        parts: values of each part, by its folder; "whole" where one file holds them all.
        largest: values of the largest tensor of each part.
        device: groups of parts that are on the device together; one group at a time.
    """

    parts: dict[str, int]
    largest: dict[str, int]
    device: tuple[tuple[str, ...], ...]

    def bytes(self, dtype: str) -> int:
        """The most that is on the device at once, in a dtype of `WIDTHS`."""
        sizes = (sum(self._values(part) for part in together) for together in self.device)
        return max(sizes, default=0) * WIDTHS[dtype]

    def _values(self, part: str) -> int:
        by_layers = part.endswith(_BY_LAYERS)
        return self.largest[part.removesuffix(_BY_LAYERS)] if by_layers else self.parts[part]


def estimate(source: Source) -> MemoryEstimate | None:
    """What a source will take; None where its weights are not here yet, or are pickled.

    Raises:
        ModelError: nothing is there, or a file is damaged.
    """
    folder = find_model(source)
    family = family_of(folder)
    headers = _headers(folder, family)
    if headers is None:
        return None
    values = {part: [tensor.values for tensor in tensors] for part, tensors in headers.items()}
    return MemoryEstimate(
        parts={part: sum(counts) for part, counts in values.items()},
        largest={part: max(counts, default=0) for part, counts in values.items()},
        device=_together(tuple(values), source.savings, family),
    )


def _headers(folder: ModelFolder, family: Family) -> dict[str, list[TensorHeader]] | None:
    """The tensors of each part; None where not all of them can be read."""
    if folder.file is not None:
        return None if folder.file.suffix in PICKLED else {"whole": _tensors([folder.file])}
    parts = [*family.present_encoders(folder), family.denoiser, family.vae]
    files = {part.folder: weight_files(folder.path / part.folder) for part in parts}
    return {part: _tensors(weights) for part, weights in files.items()} if all(files.values()) else None


def _tensors(files: Iterable[Path]) -> list[TensorHeader]:
    return [tensor for file in files for tensor in read_contents(file).tensors.values()]


def _together(
    names: tuple[str, ...], savings: tuple[Saving, ...], family: Family
) -> tuple[tuple[str, ...], ...]:
    if "model offload" in savings:
        return tuple((name,) for name in names)
    if "sequential offload" in savings:
        by_layers = (family.denoiser.folder, family.vae.folder)
        return tuple((name + _BY_LAYERS if name in by_layers else name,) for name in names)
    return (names,)
