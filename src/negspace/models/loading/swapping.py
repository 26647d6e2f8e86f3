"""A text encoder or an autoencoder in place of a model's own."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from negspace.errors import ModelError
from negspace.models.architecture.autoencoders import Autoencoder
from negspace.models.architecture.parts import ModelPart, text_settings
from negspace.models.files.leftovers import refuse_unread
from negspace.models.files.llama_names import is_llama_t5, t5_names
from negspace.models.files.open_clip_names import TOKENS, open_clip_names
from negspace.models.files.source import ModelFolder, read_json_object
from negspace.models.files.swaps import encoder_shape, weights_at
from negspace.models.files.weights import read_contents, read_weights
from negspace.models.hardware import Placement
from negspace.models.loading.reading import build_part

if TYPE_CHECKING:
    from torch import Tensor

_PREFIXES = (
    "cond_stage_model.transformer.",
    "conditioner.embedders.0.transformer.",
    "text_encoders.clip_l.transformer.",
)


def check_text_encoder(place: Path, name: str, folder: ModelFolder, allow_pickle: bool) -> None:
    """Stop where a text encoder cannot stand in another's place.

    Args:
        place: a file, or a folder with one.
        name: the part of the model it is to take.

    Raises:
        ModelError: nothing is there, it is damaged, or its width, vocabulary or window is another; both are
            named.
    """
    own = text_settings(folder.settings(name))
    shape = encoder_shape(place, allow_pickle)
    known = own.get("vocab_size", shape.tokens)
    if shape.tokens != known:
        raise ModelError(
            f"{str(place)!r} knows {shape.tokens} tokens and {name} of {folder.name} knows {known}"
        )
    width = own.get("hidden_size", own.get("d_model"))
    if shape.width != width:
        raise ModelError(f"{str(place)!r} is {shape.width} wide and {name} of {folder.name} is {width}")
    window = own.get("max_position_embeddings")
    if shape.window is not None and window is not None and shape.window != window:
        raise ModelError(
            f"{str(place)!r} reads {shape.window} tokens and {name} of {folder.name} reads {window}"
        )


_VAE_PREFIXES = ("first_stage_model.", "vae.", "")
_VAE_ENTRY = "decoder.conv_in.weight"


def check_vae(place: Path, part: Autoencoder, folder: ModelFolder, allow_pickle: bool) -> None:
    """Stop where an autoencoder cannot stand in another's place.

    Raises:
        ModelError: nothing is there, it is none, or its latents have other channels; both are named.
    """
    held = {
        name: tensor.shape
        for file in weights_at(place, "autoencoder")
        for name, tensor in read_contents(file, allow_pickle).tensors.items()
    }
    entry = next((held[prefix + _VAE_ENTRY] for prefix in _VAE_PREFIXES if prefix + _VAE_ENTRY in held), None)
    if entry is None:
        raise ModelError(f"{str(place)!r} is no autoencoder: it has no {_VAE_ENTRY}")
    channels = part.latent_channels(folder.settings(part.folder))
    if entry[1:2] != (channels,):
        width = next(iter(entry[1:2]), 0)
        raise ModelError(
            f"{str(place)!r} decodes latents of {width} channels and {folder.name} makes {channels}"
        )


def read_vae(
    part: Autoencoder, place: Path, folder: ModelFolder, placement: Placement, allow_pickle: bool
) -> Any:
    """The autoencoder at a place that `check_vae` let pass. Its own config says how latents are scaled, if it
    has one, else that of the model.

    Raises:
        ModelError: its tensors are not those of such an autoencoder.
    """
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    state = _state_at(place, "autoencoder", allow_pickle)
    prefix = next(start for start in _VAE_PREFIXES if start + _VAE_ENTRY in state)
    state = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    settings = _settings_at(place, part, folder)
    if any(name.startswith(("decoder.up.", "decoder.mid.")) for name in state):
        state = _translated(lambda held: convert_ldm_vae_checkpoint(held, settings), state, place)
    return build_part(part, settings, state, placement.for_settings(settings), place)


def _state_at(place: Path, kind: str, allow_pickle: bool) -> "dict[str, Tensor]":
    state: dict[str, Tensor] = {}
    for file in weights_at(place, kind):
        state |= read_weights(file, allow_pickle)
    return state


def _translated(
    names: "Callable[[dict[str, Tensor]], dict[str, Tensor]]", state: "dict[str, Tensor]", place: Path
) -> "dict[str, Tensor]":
    """A part under the names of transformers or diffusers.

    Raises:
        ModelError: a tensor has a name that is not known.
    """
    try:
        refuse_unread(lambda held: {"": names(held)}, state, place)
        return names(state)
    except (KeyError, RuntimeError) as error:
        raise ModelError(f"{str(place)!r} has {error}, a name that is not known here") from None


def _settings_at(place: Path, part: ModelPart, folder: ModelFolder) -> dict[str, Any]:
    own = place / "config.json"
    return read_json_object(own) if place.is_dir() and own.is_file() else folder.settings(part.folder)


def read_text_encoder(
    part: ModelPart, place: Path, folder: ModelFolder, placement: Placement, allow_pickle: bool
) -> Any:
    """The text encoder at a place that `check_text_encoder` let pass.

    Raises:
        ModelError: its tensors are not those of such a text encoder.
    """
    state = _state_at(place, "text encoder", allow_pickle)
    for prefix in _PREFIXES:
        if any(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): v for name, v in state.items() if name.startswith(prefix)}
    settings = _settings_at(place, part, folder)
    if is_llama_t5(state):
        state = _translated(t5_names, state, place)
    if part.class_name.startswith("CLIPText"):
        settings = text_settings(settings)
        if TOKENS in state:
            layers = int(settings["num_hidden_layers"])
            state = _translated(lambda held: open_clip_names(held, layers), state, place)
    return build_part(part, settings, state, placement, place)
