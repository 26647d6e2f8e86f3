"""GGUF files, in which ComfyUI-GGUF keep weights in few bits; through the library of that format."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from negspace.errors import ModelError
from negspace.models.files.headers import Header, TensorHeader

if TYPE_CHECKING:
    from torch import Tensor

ENDING = ".gguf"
_SHAPE = "comfy.gguf.orig_shape."
"""Where ComfyUI-GGUF keeps the shape of a tensor that it had to reshape."""


def read_gguf_header(file: Path) -> Header:
    """The tensors of a file; their dtypes are named as the format does, with "Q " before them.

    Raises:
        ModelError: it is damaged, or the library `gguf` is not installed.
    """
    reader = _reader(file)
    architecture = reader.get_field("general.architecture")
    metadata = {} if architecture is None else {"general.architecture": str(architecture.contents())}
    tensors = {
        tensor.name: TensorHeader(f"Q {tensor.tensor_type.name}", _shape(reader, tensor))
        for tensor in reader.tensors
    }
    return Header(tensors, metadata)


def read_gguf(file: Path) -> "dict[str, Tensor]":
    """The tensors of a file by name, float32, or float16 where they are kept so.

    Raises:
        ModelError: as `read_gguf_header`, or they are of a type that the library cannot read.
    """
    import torch
    from gguf import dequantize

    reader = _reader(file)
    read: dict[str, Tensor] = {}
    for tensor in reader.tensors:
        try:
            values = dequantize(tensor.data, tensor.tensor_type)
        except (NotImplementedError, ValueError) as error:
            kind = tensor.tensor_type.name
            raise ModelError(
                f"{str(file)!r} keeps {tensor.name} as {kind}, which gguf cannot read"
            ) from error
        read[tensor.name] = torch.from_numpy(values.copy()).reshape(_shape(reader, tensor))
    return read


def _shape(reader: Any, tensor: Any) -> tuple[int, ...]:
    """Of a tensor in the order of torch; the format counts from the last dimension."""
    own = reader.get_field(_SHAPE + tensor.name)
    sides = tensor.shape[::-1] if own is None else own.contents()
    return tuple(int(side) for side in sides)


def _reader(file: Path) -> Any:
    try:
        from gguf import GGUFReader
    except ImportError:
        raise ModelError(
            f"{str(file)!r} is a GGUF file, which needs the library gguf: pip install 'negspace[checkpoints]'"
        ) from None
    try:
        return GGUFReader(file)
    except OSError as error:
        raise ModelError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except (ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{str(file)!r} is damaged: as GGUF it ends in {reason!r}; fetch it again") from None
