"""Textual-inversion embeddings: files with new words for a text model, mostly words for what to avoid.

A `.safetensors` file holds tensors and nothing else. A `.pt` or `.bin` file is a pickle, which can hold a
program; only tensors and plain values are read from it, and a file with anything else is refused.
"""

import hashlib
import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from negspace.errors import EncodingError
from negspace.facts import EmbeddingFacts

LARGEST_FILE = 64 * 2**20
"""Bytes. The largest embeddings in use have some hundred vectors, less than 1 MB."""

LARGEST_VALUES = LARGEST_FILE // 2
"""Values of one tensor: a file can claim more than it holds."""

SDXL = ("clip_l", "clip_g")


@dataclass(frozen=True, eq=False)
class Embedding:
    """The vectors of a word.

    Attributes:
        name: the word.
        tables: the vectors, [vectors, dim] float32, one table for each text model in the model's order.
        file: where it was read from; empty where it was not.
        sha256: of the file, in hex.
    """

    name: str
    tables: tuple[Tensor, ...]
    file: str = ""
    sha256: str = ""

    @property
    def facts(self) -> EmbeddingFacts:
        """What a plan needs to know about it."""
        widths = tuple(table.shape[1] for table in self.tables)
        return EmbeddingFacts(self.name, len(self.tables[0]), widths, self.file, self.sha256)


def load_embedding(path: str | Path, name: str | None = None) -> Embedding:
    """Read an embedding from a `.safetensors`, `.pt` or `.bin` file.

    Four layouts are known: AUTOMATIC1111's `string_to_param`, a single `emb_params`, SDXL's `clip_l` and
    `clip_g`, and diffusers' one tensor named by its token.

    Args:
        path: the file.
        name: the word to know it by; by default the file's name without its ending, or diffusers' token.

    Raises:
        EncodingError: the file is missing, too large, of another layout, holds more than tensors and plain
            values, or values that are not numbers.
    """
    file, path = str(path), Path(path)
    content = _read(path)
    token, tables = _tables(content, path)
    checked = tuple(_checked(table, path) for table in tables)
    return Embedding(name or token or path.stem, checked, file, hashlib.sha256(path.read_bytes()).hexdigest())


def load_embeddings(paths: Sequence[str | Path]) -> tuple[Embedding, ...]:
    """Read several embeddings, each by its own name.

    Raises:
        EncodingError: as `load_embedding`, or two of them have the same name.
    """
    known: dict[str, Embedding] = {}
    for path in paths:
        embedding = load_embedding(path)
        other = known.setdefault(embedding.name.lower(), embedding)
        if other is not embedding:
            raise EncodingError(
                f"{other.file} and {embedding.file} both teach the word {embedding.name!r}; give one of them"
            )
    return tuple(known.values())


def tables_for(embedding: Embedding, count: int) -> tuple[Tensor, ...]:
    """The embedding's tables for that many text models.

    Raises:
        EncodingError: it was made for another number of them.
    """
    if len(embedding.tables) != count:
        sizes = " and ".join(str(table.shape[1]) for table in embedding.tables)
        raise EncodingError(
            f"embedding {embedding.name!r} has vectors of {sizes}, for {len(embedding.tables)} text "
            f"model(s); this model has {count}"
        )
    return embedding.tables


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise EncodingError(f"{path}: there is no such embedding file")
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise EncodingError(f"{path}: {size} bytes are too many for an embedding (at most {LARGEST_FILE})")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (SafetensorError, ValueError) as error:
            raise EncodingError(f"{path}: not a safetensors file ({error})") from None
    if path.suffix in (".pt", ".bin"):
        return _read_pickle(path)
    raise EncodingError(f"{path}: embeddings end in .safetensors, .pt or .bin")


def _read_pickle(path: Path) -> Mapping[str, Any]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > LARGEST_FILE:
            raise EncodingError(f"{path}: unpacks to {size} bytes, too many for an embedding")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a file that cannot be read is reported below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise EncodingError(
            f"{path}: refused, it holds more than tensors and plain values and could run a program "
            f"({_first_line(error)})"
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise EncodingError(f"{path}: not an embedding file ({_first_line(error)})") from None
    if not isinstance(content, Mapping):
        raise EncodingError(f"{path}: holds a {type(content).__name__}, not an embedding")
    return content


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _tables(content: Mapping[str, Any], path: Path) -> tuple[str | None, Sequence[Any]]:
    """(the token's name if the layout has one, the tables)."""
    if "string_to_param" in content:
        param = content["string_to_param"]
        values = list(param.values()) if isinstance(param, Mapping) else []
        if len(values) == 1:
            return None, values
    elif all(slot in content for slot in SDXL):
        return None, [content[slot] for slot in SDXL]
    elif "emb_params" in content:
        return None, [content["emb_params"]]
    elif len(content) == 1 and SDXL[0] not in content and SDXL[1] not in content:
        ((token, table),) = content.items()
        return str(token), [table]
    keys = ", ".join(sorted(map(str, content))[:8])
    raise EncodingError(
        f"{path}: not a layout of embeddings that is known (it holds: {keys}); known are string_to_param, "
        "emb_params, clip_l with clip_g, and one tensor named by its token"
    )


def _checked(table: Any, path: Path) -> Tensor:
    """[vectors, dim] float32 of its own."""
    if not isinstance(table, Tensor) or table.layout != torch.strided or not table.is_floating_point():
        raise EncodingError(f"{path}: holds something other than a table of numbers")
    if table.ndim not in (1, 2) or table.numel() == 0:
        raise EncodingError(f"{path}: a table of shape {tuple(table.shape)} is not [vectors, dim]")
    if table.numel() > LARGEST_VALUES:
        raise EncodingError(f"{path}: {table.numel()} values are too many for an embedding")
    if not bool(table.isfinite().all()):
        raise EncodingError(f"{path}: holds values that are not numbers (NaN or infinite)")
    rows = table.detach().to(torch.float32, copy=True).contiguous()
    return rows[None] if rows.ndim == 1 else rows
