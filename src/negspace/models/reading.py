"""Reading the parts of a model from a diffusers folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from negspace.errors import ModelError
from negspace.models.families import Part, TextPart
from negspace.models.hardware import Footing


def class_of(part: Part) -> Any:
    """The class of a part."""
    return getattr(import_module(part.module), part.kind)


def read_part(part: Part, path: Path, footing: Footing) -> Any:
    """A network from its own folder, in evaluation mode.

    Raises:
        ModelError: it cannot be read.
    """
    check_weights(path)
    with quiet():
        try:
            read = class_of(part).from_pretrained(
                path, dtype=footing.dtype, use_safetensors=True, local_files_only=True
            )
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise unreadable(path, error) from None
    return settled(read, footing)


def check_weights(path: Path) -> None:
    """Stop where a folder has no weights that may be opened.

    Raises:
        ModelError: so it is.
    """
    if not path.is_dir():
        raise ModelError(f"{str(path.parent)!r} has no {path.name} folder")
    if not any(path.glob("*.safetensors")):
        raise ModelError(f"{str(path)!r} has no safetensors file; pickled weights are not opened")


def read_tokenizer(part: TextPart, path: Path) -> Any:
    """The tokenizer of a text encoder, from its own folder.

    Raises:
        ModelError: it cannot be read.
    """
    if not path.is_dir():
        raise ModelError(f"{str(path.parent)!r} has no {path.name} folder")
    module, kind = part.reader
    with quiet():
        try:
            return getattr(import_module(module), kind).from_pretrained(path, local_files_only=True)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise unreadable(path, error) from None


def settled(read: Any, footing: Footing) -> Any:
    """A network in evaluation mode, where and how it is to calculate."""
    read = read.eval().requires_grad_(False)
    return read.to(device=footing.device, memory_format=footing.layout)


def unreadable(path: Path, error: Exception) -> ModelError:
    """What another library said, in one line."""
    return ModelError(f"cannot read {str(path)!r}: {' '.join(str(error).split())[:300]}")


@contextmanager
def quiet() -> Iterator[None]:
    """Without the libraries' own progress bars and advice on standard error."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    bars = transformers_logging.is_progress_bar_enabled()
    levels = diffusers_logging.get_verbosity(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    diffusers_logging.set_verbosity_error()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        diffusers_logging.set_verbosity(levels[0])
        transformers_logging.set_verbosity(levels[1])
        if bars:
            transformers_logging.enable_progress_bar()
