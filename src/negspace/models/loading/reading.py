"""Reading the parts of a model: everything is looked at before anything is read."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from negspace.errors import ModelError
from negspace.models.architecture.parts import ModelPart, TextPart
from negspace.models.files.headers import check_inside, read_header, variant_of, weight_files
from negspace.models.files.pickles import PICKLED, refuse_pickle
from negspace.models.files.quantised import check_quantised, quantised_layers
from negspace.models.files.shipped import CLIP_VOCABULARY, is_shipped
from negspace.models.files.source import read_json_object
from negspace.models.files.weights import read_weights
from negspace.models.hardware import Placement
from negspace.models.loading.norms import use_planar_norms
from negspace.models.loading.unallocated import unallocated

FAILURES = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError, MemoryError)
"""What other libraries raise over files that are amiss."""


def class_of(part: ModelPart) -> Any:
    """The class of a part."""
    return getattr(import_module(part.module), part.class_name)


def check_part(path: Path, allow_pickle: bool = False) -> None:
    """Look at the weights of a part in its own folder, without reading them.

    Raises:
        ModelError: there are none that may be opened, or they are damaged.
    """
    if not path.is_dir():
        raise ModelError(f"{str(path.parent)!r} has no {path.name} folder")
    read_json_object(path / "config.json")
    check_inside(path.parent, path / "config.json")
    files = weight_files(path)
    for file in files:
        check_inside(path.parent, file)
        check_quantised(file, read_header(file).tensors)
    if not files:
        pickled = weight_files(path, PICKLED)
        if not pickled:
            raise ModelError(f"{str(path)!r} has no safetensors file; there is nothing to open")
        for file in pickled:
            check_inside(path.parent, file)
            refuse_pickle(file, allow_pickle)


def read_part(part: ModelPart, path: Path, placement: Placement, allow_pickle: bool = False) -> Any:
    """A network from its own folder, in evaluation mode.

    Raises:
        ModelError: it cannot be read.
    """
    check_part(path, allow_pickle)
    files = weight_files(path)
    if not files or any(quantised_layers(read_header(file).tensors) for file in files):
        settings = read_json_object(path / "config.json")
        settings.pop("quantization_config", None)
        state: dict[str, Tensor] = {}
        for file in files or weight_files(path, PICKLED):
            state |= read_weights(file, allow_pickle)
        return build_part(part, settings, state, placement, path)
    with quiet():
        try:
            read, result = class_of(part).from_pretrained(
                path,
                dtype=placement.dtype,
                use_safetensors=True,
                variant=variant_of(files[0]) or None,
                local_files_only=True,
                output_loading_info=True,
            )
        except FAILURES as error:
            raise read_error(path, error) from None
    _check_whole(result, part, path)
    return ready(read, placement)


def build_part(
    part: ModelPart, settings: dict[str, Any], state: Mapping[str, Tensor], placement: Placement, place: Path
) -> Any:
    """A network with given tensors, under the names of diffusers or transformers, that come from a place.

    Raises:
        ModelError: they are not those of such a network.
    """
    kind = class_of(part)
    with quiet():
        try:
            if part.module.startswith("transformers"):
                config = kind.config_class.from_dict(settings)
                kept = {name: value for name, value in state.items() if not part.leaves_out(name)}
                read, keys = kind.from_pretrained(
                    None, config=config, state_dict=kept, dtype=placement.dtype, output_loading_info=True
                )
            else:
                with unallocated():
                    read = kind.from_config(settings)
                result = read.load_state_dict(dict(state), strict=False, assign=True)
                keys = {"missing_keys": result.missing_keys, "unexpected_keys": result.unexpected_keys}
                read = read.to(placement.dtype)
        except FAILURES as error:
            raise read_error(place, error) from None
    _check_whole(keys, part, place)
    return ready(read, placement)


def _check_whole(result: Mapping[str, Any], part: ModelPart, place: Path) -> None:
    """Stop with a ModelError where tensors are missing, left over or of another shape."""
    for key, words in (
        ("missing_keys", "lacks"),
        ("mismatched_keys", "has in another shape"),
        ("unexpected_keys", "has to spare"),
    ):
        names = sorted(str(name[0] if isinstance(name, tuple) else name) for name in result.get(key) or ())
        names = [name for name in names if not part.leaves_out(name)]
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise ModelError(f"{str(place)!r} is not of its kind: it {words} {names[0]}{more}")


def read_tokenizer(part: TextPart, path: Path) -> Any:
    """The tokenizer of a text encoder, from its own folder.

    Raises:
        ModelError: it cannot be read.
    """
    if not path.is_dir():
        raise ModelError(f"{str(path.parent)!r} has no {path.name} folder")
    module, name = part.tokenizer_class
    kind: Any = getattr(import_module(module), name)
    with quiet():
        try:
            if is_shipped(path):
                own = read_json_object(path / "tokenizer_config.json")
                return kind.from_pretrained(CLIP_VOCABULARY, local_files_only=True, **own)
            return kind.from_pretrained(path, local_files_only=True)
        except Exception as error:  # the tokenizers' own library raises plain Exception
            raise read_error(path, error) from None


def ready(read: Any, placement: Placement) -> Any:
    """A network in evaluation mode, where and how it is to calculate."""
    read = read.eval().requires_grad_(False)
    if placement.device.type == "cpu" and placement.layout is torch.channels_last:
        use_planar_norms(read)
    read = read.to(device=placement.weights)
    for weight in read.parameters():
        if weight.dim() == 4:  # of a convolution over pictures; those over films have five dimensions
            weight.data = weight.data.contiguous(memory_format=placement.layout)
    return read


def read_error(path: Path, error: Exception) -> ModelError:
    """What another library said, in one line."""
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return ModelError(f"cannot read {str(path)!r}: {reason}")


@contextmanager
def quiet() -> Iterator[None]:
    """Without the libraries' own progress bars, and their advice to each other, on standard error."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    bars = transformers_logging.is_progress_bar_enabled()
    levels = diffusers_logging.get_verbosity(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    diffusers_logging.set_verbosity_error()
    transformers_logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        diffusers_logging.set_verbosity(levels[0])
        transformers_logging.set_verbosity(levels[1])
        if bars:
            transformers_logging.enable_progress_bar()
