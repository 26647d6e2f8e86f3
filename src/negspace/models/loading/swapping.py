"""A text encoder in place of a model's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from negspace.errors import ModelError
from negspace.models.architecture.parts import ModelPart
from negspace.models.files.headers import read_header, weight_files
from negspace.models.files.pickles import PICKLED, read_pickle, refuse_pickle
from negspace.models.files.source import ModelFolder, read_json_object
from negspace.models.hardware import Placement
from negspace.models.loading.reading import build_part

if TYPE_CHECKING:
    from torch import Tensor

_ENTRIES = ("embeddings.token_embedding.weight", "shared.weight")
_PLACES = "embeddings.position_embedding.weight"
_PREFIXES = (
    "cond_stage_model.transformer.",
    "conditioner.embedders.0.transformer.",
    "text_encoders.clip_l.transformer.",
)


def check_text_encoder(place: Path, name: str, folder: ModelFolder, words: int, allow_pickle: bool) -> None:
    """Stop where a text encoder cannot stand in another's place.

    Args:
        place: a file, or a folder with one.
        name: the part of the model it is to take.
        words: how many its tokenizer knows.

    Raises:
        ModelError: nothing is there, it is damaged, or its width, vocabulary or window is another; both are
            named.
    """
    settings = folder.settings(name)
    own = settings.get("text_config", settings)  # of one that sees pictures as well
    shapes = {entry: tuple(shape) for file in _files(place) for entry, shape in _shapes(file, allow_pickle)}
    entries = next((shape for entry, shape in shapes.items() if entry.endswith(_ENTRIES)), None)
    if entries is None or len(entries) != 2:
        raise ModelError(f"{str(place)!r} is no text encoder: it has no table of tokens")
    known = int(own.get("vocab_size", words))
    if entries[0] != known:
        raise ModelError(
            f"{str(place)!r} knows {entries[0]} tokens and {name} of {folder.name} knows {known}"
        )
    width = own.get("hidden_size", own.get("d_model"))
    if entries[1] != width:
        raise ModelError(f"{str(place)!r} is {entries[1]} wide and {name} of {folder.name} is {width}")
    places = next((shape for entry, shape in shapes.items() if entry.endswith(_PLACES)), None)
    window = own.get("max_position_embeddings")
    if places is not None and window is not None and places[0] != window:
        raise ModelError(
            f"{str(place)!r} reads {places[0]} tokens and {name} of {folder.name} reads {window}"
        )


def read_text_encoder(
    part: ModelPart, place: Path, folder: ModelFolder, placement: Placement, allow_pickle: bool
) -> Any:
    """The text encoder at a place that `check_text_encoder` let pass.

    Raises:
        ModelError: its tensors are not those of such a text encoder.
    """
    from safetensors.torch import load_file

    state: dict[str, Tensor] = {}
    for file in _files(place):
        state |= read_pickle(file, allow_pickle) if file.suffix in PICKLED else load_file(file)
    for prefix in _PREFIXES:
        if any(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): v for name, v in state.items() if name.startswith(prefix)}
    own = place / "config.json"
    settings = read_json_object(own) if place.is_dir() and own.is_file() else folder.settings(part.folder)
    return build_part(part, settings, state, placement, place)


def _files(place: Path) -> list[Path]:
    if not place.exists():
        raise ModelError(f"there is no text encoder at {str(place)!r}")
    files = [place] if place.is_file() else weight_files(place) or weight_files(place, PICKLED)
    if not files:
        raise ModelError(f"{str(place)!r} has no weights")
    return files


def _shapes(file: Path, allow_pickle: bool) -> list[tuple[str, tuple[int, ...]]]:
    if file.suffix in PICKLED:
        refuse_pickle(file, allow_pickle)
        return [(name, tuple(value.shape)) for name, value in read_pickle(file, allow_pickle).items()]
    return [(name, tensor.shape) for name, tensor in read_header(file).tensors.items()]
