"""Where a model lies: a diffusers folder, a file, or the hub; read without its weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from negspace.errors import ModelError
from negspace.models.files.headers import check_inside, read_told
from negspace.models.files.hub import SETTINGS, fetch, is_hub_id
from negspace.models.files.layouts import layout_of
from negspace.models.files.pickles import PICKLED, refuse_pickle
from negspace.models.files.training_hints import scheduling

Saving = Literal["model offload", "sequential offload", "vae tiling", "vae slicing", "attention slicing"]

EMBEDDED = "embedded"
INDEX = "model_index.json"
OWN = "negspace.json"
_LARGEST_SETTINGS = 16 * 2**20


@dataclass(frozen=True)
class Source:
    """What is to be opened, and what takes the place of its parts.

    Attributes:
        place: "embedded", a diffusers folder, a file of a whole model, or an id of the hub.
        config: for a file, the folder or id of a model of its kind, whose settings and vocabulary it has;
            what the file lacks is taken from there. None asks the hub for the one it was made from.
        text_encoders: (part, file or folder) of text encoders to be swapped.
        loras: (file, weight), in the order in which they are added.
        allow_pickle: whether pickled weights are opened, for their tensors alone.
        savings: ways to get by with less memory.
    """

    place: str | Path
    config: str | Path | None = None
    text_encoders: tuple[tuple[str, str | Path], ...] = ()
    loras: tuple[tuple[str | Path, float], ...] = ()
    allow_pickle: bool = False
    savings: tuple[Saving, ...] = ()

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # where settings are read into it

    def at(self, place: str | Path | None) -> "Source":
        """The same with another model; None is the embedded one."""
        return replace(self, place=place or EMBEDDED)


def encoder_of(told: str) -> tuple[str, str]:
    """("text_encoder_2", "file") of "text_encoder_2=file"; the first text encoder where no part is named."""
    name, equals, place = told.partition("=")
    return (name, place) if equals and name.startswith("text_encoder") else ("text_encoder", told)


@dataclass(frozen=True)
class ModelFolder:
    """A diffusers folder, or a file with the settings of one.

    Attributes:
        path: where it lies.
        pipeline: the class its index names.
        parts: what its index says each part is, by folder: (library, class).
        own: the content of `negspace.json`; empty where there is none.
        index: the content of `model_index.json`.
        file: the file that holds the weights of a whole model; None where the folder does.
        says: settings of its scheduler that this file names itself.
        hub: the id under which the folder was found on the hub; "" where it lies here.
    """

    path: Path
    pipeline: str
    parts: dict[str, tuple[str, str]]
    own: dict[str, Any]
    index: dict[str, Any]
    file: Path | None = None
    says: Mapping[str, Any] = field(default_factory=dict[str, Any])
    hub: str = ""

    @property
    def name(self) -> str:
        """How the model is called."""
        if self.file is not None:
            return self.file.stem
        return str(self.own.get("name", self.path.absolute().name))

    @property
    def scheduler(self) -> dict[str, Any]:
        """The settings of its scheduler.

        Raises:
            ModelError: they are missing or no JSON object.
        """
        return {**self.settings("scheduler", "scheduler_config.json"), **self.says}

    def settings(self, part: str, file: str = "config.json") -> dict[str, Any]:
        """The settings of one part.

        Raises:
            ModelError: they are missing or no JSON object.
        """
        return read_object(self.path / part / file)


def find(source: Source) -> ModelFolder:
    """The model of a source, read without its weights.

    Raises:
        ModelError: nothing is there, it is of no known layout, or pickles were not allowed.
    """
    path = Path(source.place)
    if source.place == EMBEDDED or not path.is_file():
        return find_folder(source.place)
    if path.suffix in PICKLED:
        refuse_pickle(path, source.allow_pickle)
        if source.config is None:
            raise ModelError(f"{str(path)!r} does not tell what it is; give config, a folder of its kind")
        return replace(find_folder(source.config), file=path)
    held, metadata = read_told(path)
    layout = layout_of(held)
    if layout is None:
        first = ", ".join(sorted(held)[:3]) or "nothing"
        raise ModelError(f"{str(path)!r} is a single file of no known model; it holds {first}")
    says = scheduling(path, held, metadata)
    return replace(_config(path, source.config or layout.home(path, held, says)), file=path, says=says)


def _config(file: Path, place: str | Path) -> ModelFolder:
    try:
        return find_folder(place)
    except ModelError as error:
        told = "a diffusers folder of its kind, for settings and vocabulary, which the file lacks"
        raise ModelError(f"{str(file)!r} needs config, {told}: {error}") from None


def find_folder(name_or_path: str | Path) -> ModelFolder:
    """The folder of a model.

    Args:
        name_or_path: "embedded", the path of a diffusers folder, or an id of the hub.

    Raises:
        ModelError: nothing is there, or it is not a diffusers folder.
    """
    name = str(name_or_path)
    path = Path(__file__).parents[2] / EMBEDDED if name_or_path == EMBEDDED else Path(name_or_path)
    if not path.exists() and is_hub_id(name):
        hub = _folder(fetch(name, SETTINGS))
        return replace(hub, own={"name": name.rpartition("/")[2], **hub.own}, hub=name)
    if not path.exists():
        raise ModelError(
            f"there is no model at {str(path)!r}; give a diffusers folder, a file, an id of the hub, or "
            f"{EMBEDDED!r}"
        )
    if not path.is_dir():
        raise ModelError(f"{str(path)!r} is a single file; give a diffusers folder, with a {INDEX} in it")
    return _folder(path)


def _folder(path: Path) -> ModelFolder:
    if not (path / INDEX).is_file():
        found = ", ".join(sorted(entry.name for entry in path.iterdir())[:5]) or "nothing"
        raise ModelError(f"{str(path)!r} is not a diffusers folder: it has no {INDEX}, but {found}")
    check_inside(path, path / INDEX)
    index = read_object(path / INDEX)
    parts = {
        name: (str(entry[0]), str(entry[1]))
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
        if file.is_file() and file.stat().st_size > _LARGEST_SETTINGS:
            raise ModelError(f"{str(file)!r} is too large for settings")
        read = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{str(file)!r} is not JSON: {error}") from None
    if not isinstance(read, dict):
        raise ModelError(f"{str(file)!r} must hold a JSON object")
    return read
