"""Pickled checkpoints, opened only where that was allowed, and then for nothing but tensors."""

import pickle
import pickletools
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from negspace.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

PICKLED = (".ckpt", ".bin", ".pt", ".pth")
"""Endings of pickled files."""

_PLAIN = frozenset(
    {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        "torch.serialization _get_layout",
        "torch Size",
        *(
            f"torch {kind}Storage"
            for kind in ("Double", "Float", "Half", "BFloat16", "Long", "Int", "Untyped")
        ),
    }
)
_LARGEST_PROGRAM = 64 * 2**20


def refuse_pickle(file: Path, allowed: bool) -> None:
    """Stop with a ModelError before a pickled file, unless it was allowed."""
    if not allowed:
        raise ModelError(
            f"{str(file)!r} is pickled and could run a program; convert it to safetensors, or allow it with "
            "--allow-pickle, and only its tensors are read"
        )


def read_pickle(file: Path, allowed: bool) -> "dict[str, Tensor]":
    """The tensors of a pickled file by name; of what a trainer saved, those under "state_dict".

    Nothing in it is unpacked: entries that are compressed, or a program that calls anything but what builds
    tensors, are refused before it is opened.

    Raises:
        ModelError: pickles were not allowed, or it is damaged or holds more than tensors.
    """
    refuse_pickle(file, allowed)
    _check_archive(file)
    import torch

    try:
        content: Any = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, AttributeError, EOFError) as error:
        raise _amiss(file, _line(error)) from None
    except pickle.UnpicklingError as error:
        raise _amiss(file, _line(error)) from None
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not content:
        raise _amiss(file, "it holds no tensors by name")
    tensors = {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}
    if len(tensors) != len(content) or not all(isinstance(name, str) for name in tensors):
        raise _amiss(file, "it holds more than tensors by name")
    return tensors


def _check_archive(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if any(
                entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size
                for entry in entries
            ):
                raise _amiss(file, "it is compressed, as torch never saves it, and may unpack to anything")
            if sum(entry.file_size for entry in entries) > file.stat().st_size:
                raise _amiss(file, "its entries claim more than the file holds")
            programs = [entry for entry in entries if entry.filename.endswith(".pkl")]
            if len(programs) != 1 or programs[0].file_size > _LARGEST_PROGRAM:
                raise _amiss(file, "it is not as torch saves it")
            _check_program(file, archive.read(programs[0]))
    except OSError as error:
        raise ModelError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        raise _amiss(file, "it is no archive of torch 1.6 or later, or is cut off") from None


def _check_program(file: Path, program: bytes) -> None:
    """Stop at the first call of a pickle that builds anything but tensors."""
    try:
        for opcode, argument, _ in pickletools.genops(program):
            if opcode.name == "GLOBAL" and argument not in _PLAIN:
                raise _amiss(file, f"it asks for {argument!r:.80}, which is no tensor")
            if opcode.name in ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"):
                raise _amiss(file, f"it holds objects ({opcode.name}), not tensors alone")
    except ValueError as error:
        raise _amiss(file, _line(error)) from None


def _amiss(file: Path, reason: str) -> ModelError:
    return ModelError(f"{str(file)!r} is refused: {reason}")


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
