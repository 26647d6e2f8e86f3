"""A text encoder in place of a model's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from negspace.errors import ModelError
from negspace.models.architecture.parts import ModelPart, text_settings
from negspace.models.files.open_clip_names import TOKENS, open_clip_names
from negspace.models.files.source import ModelFolder, read_json_object
from negspace.models.files.swaps import encoder_files, encoder_shape
from negspace.models.files.weights import read_weights
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


def read_text_encoder(
    part: ModelPart, place: Path, folder: ModelFolder, placement: Placement, allow_pickle: bool
) -> Any:
    """The text encoder at a place that `check_text_encoder` let pass.

    Raises:
        ModelError: its tensors are not those of such a text encoder.
    """
    state: dict[str, Tensor] = {}
    for file in encoder_files(place):
        state |= read_weights(file, allow_pickle)
    for prefix in _PREFIXES:
        if any(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): v for name, v in state.items() if name.startswith(prefix)}
    own = place / "config.json"
    settings = read_json_object(own) if place.is_dir() and own.is_file() else folder.settings(part.folder)
    if part.class_name.startswith("CLIPText"):
        settings = text_settings(settings)
        if TOKENS in state:
            state = open_clip_names(state, settings["num_hidden_layers"])
    return build_part(part, settings, state, placement, place)
