"""Which layers of a model a name in a LoRA file means, whichever trainer wrote it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor

from negspace.models.architecture.family import Family

_DENOISER = (
    "lora_unet_",
    "lora_transformer_",
    "lycoris_",
    "unet.",
    "transformer.",
    "model.diffusion_model.",
    "diffusion_model.",
)
_FIRST = ("lora_te_", "lora_te1_", "text_encoder.", "text_encoders.clip_l.", "clip_l.")
_SECOND = ("lora_te2_", "text_encoder_2.", "text_encoders.clip_g.", "clip_g.")
_LAST = ("lora_te3_", "text_encoder_3.", "text_encoders.t5xxl.", "t5xxl.")
"""Prefixes of sd-scripts, LyCORIS, OneTrainer, diffusers and ComfyUI. T5 is the third text encoder of Stable
Diffusion 3 and the second of FLUX.1, and some trainers call it the third there too."""

_INNER = ("base_model_model_", "transformer_text_model_", "text_model_", "transformer_")
"""What stands between prefix and layer in some programs and versions of transformers."""

_ALIASES = (
    ("_to_out_0", "_to_out"),
    ("_self_attn_q_proj", "_self_attn_to_q"),
    ("_self_attn_k_proj", "_self_attn_to_k"),
    ("_self_attn_v_proj", "_self_attn_to_v"),
    ("_self_attn_out_proj", "_self_attn_to_out"),
)
"""Ends of layers, and what attention processors of diffusers called them."""


@dataclass(frozen=True)
class LayerRows:
    """Rows of the weight of a layer, from `start` to before `stop`."""

    layer: str
    start: int
    stop: int


@dataclass(frozen=True)
class NamedLayer:
    """What a name means: rows of layers of one part, one after the other.

    Attributes:
        part: the folder of the part.
        rows: of its layers; of several where the program of a trainer has them in one layer.
    """

    part: str
    rows: tuple[LayerRows, ...]


@final
class LayerNames:
    """The layers of a model by every name that files have for them.

    Args:
        family: of the model.
        networks: its parts by folder.
    """

    def __init__(self, family: Family, networks: Mapping[str, Any]) -> None:
        texts = [part.folder for part in family.text_encoders]
        denoiser = family.denoiser.folder
        second = texts[1] if len(texts) > 1 else "text_encoder_2"
        places = ((_DENOISER, denoiser), (_FIRST, texts[0]), (_SECOND, second), (_LAST, texts[-1]))
        self._parts = {prefix: part for prefixes, part in places for prefix in prefixes}
        self._denoiser = denoiser
        self._layers = {
            folder: dict(_named(folder, networks[folder]))
            for folder in (denoiser, *texts)
            if folder in networks
        }
        heights = _heights(networks[denoiser])
        originals = family.original_layers(networks[denoiser].config, heights)
        own = self._layers[denoiser]
        for name, pieces in originals.items():
            own.setdefault(
                _normal(name), NamedLayer(denoiser, tuple(_rows(piece, heights) for piece in pieces))
            )

    def find(self, name: str) -> NamedLayer | None:
        """The layer of a name without the ending of a tensor; None where there is none."""
        part, rest = self._split(name)
        return self._layers.get(part, {}).get(_normal(rest))

    def _split(self, name: str) -> tuple[str, str]:
        """(part, name in it). A name without a prefix is of the denoiser."""
        rest = name.removeprefix("base_model.model.")
        prefix = max((prefix for prefix in self._parts if rest.startswith(prefix)), key=len, default="")
        return (self._parts[prefix], rest[len(prefix) :]) if prefix else (self._denoiser, rest)


def _named(folder: str, network: Any) -> Iterator[tuple[str, NamedLayer]]:
    for layer, height in _heights(network).items():
        names = [_normal(layer)]
        names += [names[0][: -len(end)] + other for end, other in _ALIASES if names[0].endswith(end)]
        yield from ((name, NamedLayer(folder, (LayerRows(layer, 0, height),))) for name in names)


def _heights(network: Any) -> dict[str, int]:
    """The rows of the weight of every layer that has one."""
    weights = ((layer, getattr(module, "weight", None)) for layer, module in network.named_modules())
    return {layer: len(weight) for layer, weight in weights if isinstance(weight, Tensor) and weight.ndim}


def _rows(piece: str, heights: Mapping[str, int]) -> LayerRows:
    layer, _, half = piece.partition("#")
    height = heights[layer]
    start, stop = {"": (0, height), "0": (0, height // 2), "1": (height // 2, height)}[half]
    return LayerRows(layer, start, stop)


def _normal(name: str) -> str:
    """One spelling for the names of trainers that write dots and of those that write underscores."""
    plain = name.replace(".processor.", ".").replace(".", "_")
    inner = next((inner for inner in _INNER if plain.startswith(inner) and plain != inner), "")
    return plain if plain.startswith("transformer_blocks_") else plain[len(inner) :]
