"""Finding a model: a diffusers folder, a file, or an id of the hub; read without its weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, Field

from negspace.errors import ModelError
from negspace.models.files.few_steps import KINDS, Declared, declared
from negspace.models.files.foreign import foreign
from negspace.models.files.headers import check_inside
from negspace.models.files.hub import SETTINGS, fetch, is_cached, is_hub_id
from negspace.models.files.layouts import layout_of
from negspace.models.files.pickles import PICKLED, refuse_pickle
from negspace.models.files.shipped import shipped_settings
from negspace.models.files.swaps import encoder_shape
from negspace.models.files.training_hints import scheduler_hints
from negspace.models.files.weights import read_contents

FewStep = Literal["turbo", "lightning", "hyper", "lcm", "dmd", "tcd", "none"]
Saving = Literal["model offload", "sequential offload", "vae tiling", "vae slicing", "attention slicing"]

EMBEDDED = "embedded"
INDEX = "model_index.json"
NEGSPACE = "negspace.json"
_LARGEST_SETTINGS = 16 * 2**20


@dataclass(frozen=True)
class Source:
    """Which model is opened, and what replaces its parts or is added to them.

    Attributes:
        path: "embedded", a diffusers folder, a file of a whole model, or an id of the hub. Settings files of
            earlier versions call it "place".
        config: for a file, the folder or id of a model of its kind, whose settings and vocabulary it has;
            what the file lacks is taken from there. None asks the hub for the one it was made from.
        text_encoders: (part, file or folder) of text encoders that replace its own.
        loras: (file, weight), in the order in which they are added.
        lora_dir: the folder of the LoRA files that requests may add; None lets them add none.
        vae: a file or folder of an autoencoder that replaces its own.
        clip_skip: which layer of CLIP is read, from its end; 1 is the last. None is as the family reads it.
        device: a torch device; None is CUDA where there is one, else the CPU.
        few_step: declares that the model is distilled to a few steps, and how: a kind of
            `negspace.models.files.few_steps.KINDS`, or "none"; None leaves it to the model.
        allow_pickle: whether pickled weights are opened, for their tensors alone.
        savings: ways to get by with less memory.
    """

    path: Annotated[str | Path, Field(validation_alias=AliasChoices("path", "place"))]
    config: str | Path | None = None
    text_encoders: tuple[tuple[str, str | Path], ...] = ()
    loras: tuple[tuple[str | Path, float], ...] = ()
    allow_pickle: bool = False
    savings: tuple[Saving, ...] = ()
    lora_dir: str | Path | None = None
    few_step: FewStep | None = None
    vae: str | Path | None = None
    clip_skip: Annotated[int, Field(ge=1)] | None = None
    device: str | None = None

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # where settings are read into it

    def with_path(self, path: str | Path | None) -> "Source":
        """The same with another model; None is the embedded one."""
        return replace(self, path=path or EMBEDDED)

    @property
    def has_other_files(self) -> bool:
        """Whether a part is replaced, read in another way, or added to."""
        return bool(self.text_encoders or self.loras or self.vae is not None or self.clip_skip is not None)


def parse_text_encoder(option: str) -> tuple[str, str]:
    """("text_encoder_2", "file") of "text_encoder_2=file"; the first text encoder where no part is named."""
    name, equals, path = option.partition("=")
    return (name, path) if equals and name.startswith("text_encoder") else ("text_encoder", option)


@dataclass(frozen=True)
class ModelFolder:
    """A diffusers folder, or a file with the settings of one.

    Attributes:
        path: where it lies.
        pipeline: the class its index names.
        parts: what its index says each part is, by folder: (library, class).
        negspace_json: the content of that file; empty where there is none.
        index: the content of `model_index.json`.
        file: the file that holds the weights of a whole model; None where the folder does.
        scheduler_hints: settings of its scheduler that this file itself names.
        hub_id: the id under which the folder was found on the hub; "" where it lies here.
        windows: tokens that swapped text encoders read at once, by part, where its own reads fewer.
        few_step: the user's declaration of a model of few steps, as in `Source`.
        home: where the folder ships with Negspace, settings alone: the id of the model that has the rest.
    """

    path: Path
    pipeline: str
    parts: dict[str, tuple[str, str]]
    negspace_json: dict[str, Any]
    index: dict[str, Any]
    file: Path | None = None
    scheduler_hints: Mapping[str, Any] = field(default_factory=dict[str, Any])
    hub_id: str = ""
    home: str = ""
    windows: Mapping[str, int] = field(default_factory=dict[str, int])
    few_step: str | None = None

    @property
    def name(self) -> str:
        """The name of the model."""
        if self.file is not None:
            return self.file.stem
        return str(self.negspace_json.get("name", self.path.absolute().name))

    @property
    def scheduler(self) -> dict[str, Any]:
        """The settings of its scheduler.

        Raises:
            ModelError: they are missing or no JSON object.
        """
        declared = self.few_steps
        spacing = {} if declared is None else KINDS[declared.kind].settings
        return {**self._own_scheduler, **spacing, **self.scheduler_hints}

    @property
    def _own_scheduler(self) -> dict[str, Any]:
        return self.settings("scheduler", "scheduler_config.json")

    @property
    def few_steps(self) -> Declared | None:
        """What is declared of a model that is distilled to a few steps; None where nothing is."""
        kind = self.few_step or self.negspace_json.get("few_steps")
        return declared(kind, self.name, str(self._own_scheduler.get("_class_name")))

    def settings(self, part: str, file: str = "config.json") -> dict[str, Any]:
        """The settings of one part.

        Raises:
            ModelError: they are missing or no JSON object.
        """
        settings = read_json_object(self.path / part / file)
        if part in self.windows and file == "config.json":
            settings["max_position_embeddings"] = self.windows[part]
        return settings


def find_model(source: Source) -> ModelFolder:
    """The model of a source, read without its weights.

    Raises:
        ModelError: nothing is there, it is of no known layout, or pickles were not allowed.
    """
    folder = _without_swaps(source)
    return replace(folder, windows=_longer_windows(source, folder), few_step=source.few_step)


def _longer_windows(source: Source, folder: ModelFolder) -> dict[str, int]:
    """Of CLIP text encoders that read longer texts, such as LongCLIP; two side by side must agree."""
    clips = [name for name, (_, kind) in folder.parts.items() if kind.startswith("CLIPText")]
    windows: dict[str, int] = {}
    for name, place in source.text_encoders:
        if name in clips and len(clips) == 1:
            window = encoder_shape(Path(place), source.allow_pickle).window
            if window is not None and window > int(folder.settings(name).get("max_position_embeddings", 77)):
                windows[name] = window
    return windows


def _without_swaps(source: Source) -> ModelFolder:
    path = Path(source.path)
    if source.path == EMBEDDED or not path.is_file():
        return find_folder(source.path)
    if path.suffix in PICKLED:
        refuse_pickle(path, source.allow_pickle)
        if source.config is None:
            raise ModelError(f"{str(path)!r} does not tell what it is; give config, a folder of its kind")
        return replace(find_folder(source.config), file=path)
    contents = read_contents(path)
    layout = layout_of(contents.tensors)
    if layout is None:
        raise foreign(path, contents.tensors)
    hints = scheduler_hints(path, contents)
    folder = _settings_folder(path, source.config, layout.hub_id(path, contents.tensors, hints))
    layout.check_channels(path, contents.tensors, folder.settings)
    return replace(folder, file=path, scheduler_hints=hints)


def _settings_folder(file: Path, config: str | Path | None, home: str) -> ModelFolder:
    """The folder with the settings and vocabulary of a model in one file: the config, those that ship, or its
    home on the hub."""
    if config is None and not is_cached(home) and (shipped := shipped_settings(home)) is not None:
        return replace(_read_folder(shipped), home=home)
    try:
        return find_folder(config or home)
    except ModelError as error:
        wanted = "a diffusers folder of its kind, for settings and vocabulary, which the file lacks"
        raise ModelError(f"{str(file)!r} needs config, {wanted}: {error}") from None


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
        fetched = _read_folder(fetch(name, SETTINGS))
        own = {"name": name.rpartition("/")[2], **fetched.negspace_json}
        return replace(fetched, negspace_json=own, hub_id=name)
    if not path.exists():
        raise ModelError(
            f"there is no model at {str(path)!r}; give a diffusers folder, a file, an id of the hub, or "
            f"{EMBEDDED!r}"
        )
    if not path.is_dir():
        raise ModelError(f"{str(path)!r} is a single file; give a diffusers folder, with a {INDEX} in it")
    return _read_folder(path)


def _read_folder(path: Path) -> ModelFolder:
    if not (path / INDEX).is_file():
        first = ", ".join(sorted(entry.name for entry in path.iterdir())[:5]) or "nothing"
        raise ModelError(f"{str(path)!r} is not a diffusers folder: it has no {INDEX}, but {first}")
    check_inside(path, path / INDEX)
    index = read_json_object(path / INDEX)
    parts = {
        name: (str(entry[0]), str(entry[1]))
        for name, entry in index.items()
        if isinstance(entry, list) and len(entry) == 2 and None not in entry
    }
    own = read_json_object(path / NEGSPACE) if (path / NEGSPACE).is_file() else {}
    return ModelFolder(path, str(index.get("_class_name")), parts, own, index)


def read_json_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ModelError: it cannot be read, or is none.
    """
    try:
        if file.is_file() and file.stat().st_size > _LARGEST_SETTINGS:
            raise ModelError(f"{str(file)!r} is too large for settings")
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{str(file)!r} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ModelError(f"{str(file)!r} must hold a JSON object")
    return content
