"""Settings of well-known models, which ship with the package: what a model in one file lacks."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parents[1] / "settings"

CLIP_VOCABULARY: Final = _FOLDER / "clip"
"""The vocabulary of OpenAI's CLIP (MIT licence), which all of Stable Diffusion's CLIP text encoders share."""


def shipped_settings(hub_id: str) -> Path | None:
    """The folder with the settings of a model of the hub; None where they do not ship."""
    folder = _FOLDER / hub_id
    return folder if (folder / "model_index.json").is_file() else None


def is_shipped(folder: Path) -> bool:
    """Whether a folder ships with the package."""
    return folder.is_relative_to(_FOLDER)


def has_vocabulary(tokenizer: Path) -> bool:
    """Whether a tokenizer has a vocabulary; those that ship are there where CLIP's is theirs."""
    return not is_shipped(tokenizer) or tokenizer.is_dir()
