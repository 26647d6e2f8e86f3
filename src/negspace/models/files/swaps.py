"""Text encoders that take another's place, as their files' headers tell: vocabulary, width and window."""

from dataclasses import dataclass
from pathlib import Path

from negspace.errors import ModelError
from negspace.models.files.headers import weight_files
from negspace.models.files.llama_names import TOKENS as LLAMA_TOKENS
from negspace.models.files.open_clip_names import POSITIONS, TOKENS
from negspace.models.files.pickles import PICKLED
from negspace.models.files.weights import read_contents

_TOKENS = ("embeddings.token_embedding.weight", "shared.weight", TOKENS, LLAMA_TOKENS)
_POSITIONS = ("embeddings.position_embedding.weight", POSITIONS)


@dataclass(frozen=True)
class TextEncoderShape:
    """What a text encoder was made for.

    Attributes:
        tokens: how many its vocabulary has.
        width: of the vector of a token.
        window: how many it reads at once; None for running text.
    """

    tokens: int
    width: int
    window: int | None


def weights_at(place: Path, kind: str) -> list[Path]:
    """The files of a part that takes another's place, itself a file or a folder.

    Args:
        kind: what it should be, for people.

    Raises:
        ModelError: there are none.
    """
    if not place.exists():
        raise ModelError(f"there is no {kind} at {str(place)!r}")
    files = [place] if place.is_file() else weight_files(place) or weight_files(place, PICKLED)
    if not files:
        raise ModelError(f"{str(place)!r} has no weights")
    return files


def encoder_shape(place: Path, allow_pickle: bool) -> TextEncoderShape:
    """The shape of the text encoder at a place.

    Raises:
        ModelError: nothing is there, or it is no text encoder.
    """
    held = {
        name: tensor.shape
        for file in weights_at(place, "text encoder")
        for name, tensor in read_contents(file, allow_pickle).tensors.items()
    }
    tokens = next((shape for name, shape in held.items() if name.endswith(_TOKENS)), None)
    places = next((shape for name, shape in held.items() if name.endswith(_POSITIONS)), None)
    if tokens is None or len(tokens) != 2:
        raise ModelError(f"{str(place)!r} is no text encoder: it has no table of tokens")
    return TextEncoderShape(tokens[0], tokens[1], None if places is None else places[0])
