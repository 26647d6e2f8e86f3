"""A model folder read without its weights: which family it is of, and what the model can be told."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from negspace.errors import ModelError
from negspace.facts import EncoderFacts, ModelFacts, Prediction
from negspace.models.samplers import SAMPLERS
from negspace.rulefacts import RULE_FACTS, Needs

Entry = TypeVar("Entry")

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
    """

    path: Path
    pipeline: str
    parts: dict[str, tuple[str, str]]
    own: dict[str, Any]

    def settings(self, part: str, file: str = "config.json") -> dict[str, Any]:
        """The settings of one part.

        Raises:
            ModelError: they are missing or no JSON object.
        """
        return _read_object(self.path / part / file)


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
    index = _read_object(path / INDEX)
    parts = {
        name: (entry[0], entry[1])
        for name, entry in index.items()
        if isinstance(entry, list) and len(entry) == 2 and None not in entry
    }
    own = _read_object(path / OWN) if (path / OWN).is_file() else {}
    return ModelFolder(path, str(index.get("_class_name")), parts, own)


def sd_facts(folder: ModelFolder) -> ModelFacts:
    """The facts of a Stable Diffusion folder.

    Raises:
        ModelError: settings are missing, or the network answers with something that is not known.
    """
    try:
        return _sd_facts(folder)
    except (KeyError, TypeError, ValueError) as error:
        told = f"{type(error).__name__}: {error}"
        raise ModelError(
            f"{str(folder.path)!r} has settings of unet, vae or text_encoder amiss: {told}"
        ) from None


def _sd_facts(folder: ModelFolder) -> ModelFacts:
    unet, vae = folder.settings("unet"), folder.settings("vae")
    scheduler = folder.settings("scheduler", "scheduler_config.json")
    text = folder.settings("text_encoder")
    pixels = 2 ** (len(vae["block_out_channels"]) - 1)
    depth = 2 ** (len(unet["block_out_channels"]) - 1)
    window = int(text.get("max_position_embeddings", 77))
    words = folder.own.get("words")
    default = folder.own.get("default", {})
    sample = unet.get("sample_size") or 64
    height, width = (sample, sample) if isinstance(sample, int) else sample
    return ModelFacts(
        name=str(folder.own.get("name", folder.path.resolve().name)),
        family="sd",
        prediction=_prediction(scheduler.get("prediction_type", "epsilon"), folder.path),
        encoders=(
            EncoderFacts(
                window=window,
                chunk=window - 2,
                words=None if words is None else frozenset(str(word).lower() for word in words),
                width=text.get("hidden_size"),
            ),
        ),
        swaps=True,
        rules=_hosted(unet),
        samplers=tuple(SAMPLERS),
        multiple=pixels * depth,
        width=int(default.get("width", width * pixels)),
        height=int(default.get("height", height * pixels)),
        steps=int(default.get("steps", 20)),
        scale=float(default.get("scale", 7.5)),
        sampler=str(default.get("sampler", "DPM++ 2M")),
    )


def _hosted(unet: dict[str, Any]) -> tuple[str, ...]:
    """The rules that a UNet with these settings can host."""
    blocks = (*unet["down_block_types"], *unet["up_block_types"])
    middle = unet.get("mid_block_type", "UNetMidBlock2DCrossAttn") == "UNetMidBlock2DCrossAttn"
    crossing = middle or any("CrossAttn" in block for block in blocks)
    own = not unet.get("only_cross_attention", False)
    there: dict[Needs, bool] = {
        "nothing": True,
        "weak model": True,
        "cross-attention": crossing,
        "self-attention": crossing,
        "mid self-attention": middle and own is True,
    }
    return tuple(name for name, rule in RULE_FACTS.items() if there[rule.needs])


FAMILIES = {"StableDiffusionPipeline": sd_facts}
"""How the facts of a family are read, by the class its index names."""


def read_facts(name_or_path: str | Path) -> ModelFacts:
    """What a model can be told, from its settings alone: no weights are read and torch is not needed.

    Raises:
        ModelError: nothing is there, or it is of a kind that is not known.
    """
    folder = find_folder(name_or_path)
    return family_of(folder, FAMILIES)(folder)


def family_of(folder: ModelFolder, families: dict[str, Entry]) -> Entry:
    """The entry for the family of a folder.

    Raises:
        ModelError: it is of a kind that is not known.
    """
    if folder.pipeline not in families:
        known = ", ".join(families)
        raise ModelError(f"{str(folder.path)!r} is a {folder.pipeline}; what can be opened is: {known}")
    return families[folder.pipeline]


def _prediction(named: str, path: Path) -> Prediction:
    match named:
        case "epsilon" | "v_prediction":
            return named
        case _:
            raise ModelError(f"{str(path)!r} predicts {named!r}; what is known is epsilon and v_prediction")


def _read_object(file: Path) -> dict[str, Any]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except ValueError as error:
        raise ModelError(f"{str(file)!r} is not JSON: {error}") from None
    if not isinstance(read, dict):
        raise ModelError(f"{str(file)!r} must hold a JSON object")
    return read
