"""Where a model lies: a diffusers folder, read without its weights."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negspace.errors import ModelError

EMBEDDED = "embedded"
INDEX = "model_index.json"
OWN = "negspace.json"


@dataclass(frozen=True)
class ModelFolder:
    """A diffusers folder.

    Attributes:
        path: where it lies.
        pipeline: the class its index names.
        parts: what its index says each part is, by folder: (library, class).
        own: the content of `negspace.json`; empty where there is none.
        index: the content of `model_index.json`.
    """

    path: Path
    pipeline: str
    parts: dict[str, tuple[str, str]]
    own: dict[str, Any]
    index: dict[str, Any]

    @property
    def name(self) -> str:
        """How the model is called."""
        return str(self.own.get("name", self.path.resolve().name))

    def settings(self, part: str, file: str = "config.json") -> dict[str, Any]:
        """The settings of one part.

        Raises:
            ModelError: they are missing or no JSON object.
        """
        return read_object(self.path / part / file)


def find_folder(name_or_path: str | Path) -> ModelFolder:
    """The folder of a model.

    Args:
        name_or_path: "embedded", or the path of a diffusers folder.

    Raises:
        ModelError: nothing is there, or it is not a diffusers folder.
    """
    path = Path(__file__).parents[1] / EMBEDDED if name_or_path == EMBEDDED else Path(name_or_path)
    if not path.exists():
        raise ModelError(f"there is no model at {str(path)!r}; give a diffusers folder or {EMBEDDED!r}")
    if not path.is_dir():
        raise ModelError(f"{str(path)!r} is a single file; give a diffusers folder, with a {INDEX} in it")
    if not (path / INDEX).is_file():
        found = ", ".join(sorted(entry.name for entry in path.iterdir())[:5]) or "nothing"
        raise ModelError(f"{str(path)!r} is not a diffusers folder: it has no {INDEX}, but {found}")
    index = read_object(path / INDEX)
    parts = {
        name: (entry[0], entry[1])
        for name, entry in index.items()
        if isinstance(entry, list) and len(entry) == 2 and None not in entry
    }
    own = read_object(path / OWN) if (path / OWN).is_file() else {}
    return ModelFolder(path, str(index.get("_class_name")), parts, own, index)


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ModelError: it cannot be read, or is none.
    """
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except ValueError as error:
        raise ModelError(f"{str(file)!r} is not JSON: {error}") from None
    if not isinstance(read, dict):
        raise ModelError(f"{str(file)!r} must hold a JSON object")
    return read
