"""Reading LoRA files: every tensor is accounted for, or the file is refused and the tensor named."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from negspace.errors import ModelError
from negspace.models.files.headers import read_header
from negspace.models.files.source import read_json_object
from negspace.models.lora.updates import EVERYWHERE, LayerUpdate, find_form

_PEFT = r"(?:\.default(?:_\d+)?)?"
_ENDINGS: tuple[tuple[str, str], ...] = (
    (rf"\.(?:lora_down|lora_A{_PEFT}|lora\.down|lora_linear_layer\.down)\.weight", "down"),
    (rf"\.(?:lora_up|lora_B{_PEFT}|lora\.up|lora_linear_layer\.up)\.weight", "up"),
    (rf"\.(?:lora_up|lora_B{_PEFT}|lora\.up|lora_linear_layer\.up)\.bias", "up_bias"),
    (r"_lora(?P<stream>\d?)\.down\.weight", "down"),
    (r"_lora(?P<stream>\d?)\.up\.weight", "up"),
    (r"\.lora_mid\.weight", "mid"),
    (r"\.(?:alpha|lora_alpha|network_alpha)", "alpha"),
    (rf"\.lora_magnitude_vector(?:{_PEFT}\.weight|{_PEFT})", "magnitude"),
    (r"\.(?P<role>dora_scale|scalar|diff|diff_b|w_norm|b_norm|on_input)", ""),
    (r"\.(?P<role>hada_(?:w[12]_[ab]|t[12])|lokr_(?:w[12](?:_[ab])?|t2))", ""),
    (r"(?<=_norm)\.scale|\.set_weight", "set"),
    (r"\.weight", "ia3"),
)
"""Ends of names, and the role of the tensor that has one. What is before the end names the layer."""

_ENDING = [(re.compile(f"(?P<layer>.+?){ending}"), role) for ending, role in _ENDINGS]

_OTHER_KINDS = (
    ("OFT", re.compile(r"\.(?:oft_\w+|oft_R\..+|R)$")),
    ("GLoRA", re.compile(r"\.[ab][12]\.weight$")),
    ("a text embedding", re.compile(r"^bundle_emb\.|(?:^|\.)lora_embedding_[AB]")),
)
"""Kinds that are known and not carried out."""

_METADATA = "lora_adapter_metadata"
"""Where diffusers writes the settings of peft, each with its part before it."""


@dataclass(frozen=True)
class LoraLayers:
    """What a LoRA file holds.

    Attributes:
        updates: by the name of their layer, as the file has it.
        keys: one name of a tensor of each, for errors.
    """

    updates: Mapping[str, LayerUpdate]
    keys: Mapping[str, str]


def check_lora(file: Path) -> None:
    """Look at a LoRA file without reading its weights.

    Raises:
        ModelError: it is not there, damaged, of a kind that is not carried out, or holds no LoRA.
    """
    if file.suffix != ".safetensors":
        raise ModelError(f"{str(file)!r} is no safetensors file, the only kind of LoRA that is opened")
    _grouped(file, read_header(file).tensors)


def read_lora(file: Path) -> LoraLayers:
    """The content of a LoRA file, in the dtype that it has there.

    Raises:
        ModelError: it holds something that could not be applied; its name is given.
    """
    from safetensors.torch import load_file

    check_lora(file)
    groups, alphas = _grouped(file, read_header(file).tensors), _PeftAlphas(file)
    tensors = load_file(file)
    updates = {
        layer: _update(layer, {role: tensors[key] for role, key in keys.items()}, alphas)
        for layer, keys in groups.items()
    }
    return LoraLayers(updates, {layer: next(iter(keys.values())) for layer, keys in groups.items()})


def _grouped(file: Path, keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """The names of tensors by layer and role.

    Raises:
        ModelError: one has no known role, two have the same, or those of a layer are not whole.
    """
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    names = frozenset(keys)
    for key in sorted(names):
        layer, role = _layer_and_role(file, key, names)
        if other := groups[layer].get(role):
            raise ModelError(f"LoRA {file.name!r} has {key} and {other}, two tensors for one place")
        groups[layer][role] = key
    for roles in groups.values():
        if find_form(roles.keys()) is None:
            raise ModelError(f"LoRA {file.name!r} has {_odd(roles)} without the tensors that belong to it")
    if not groups:
        raise ModelError(f"{str(file)!r} holds no LoRA: it is empty")
    return groups


def _layer_and_role(file: Path, key: str, names: Set[str]) -> tuple[str, str]:
    for kind, pattern in _OTHER_KINDS:
        if pattern.search(key):
            raise ModelError(f"LoRA {file.name!r} has {key}: it is {kind}, which is not carried out")
    for pattern, role in _ENDING:
        match = pattern.fullmatch(key)
        if match and (role != "ia3" or f"{match['layer']}.on_input" in names):
            named = match.groupdict()
            return named["layer"] + named.get("stream", ""), role or named["role"]
    raise ModelError(f"{str(file)!r} holds no LoRA that is known here: it has {key}")


def _odd(roles: Mapping[str, str]) -> str:
    """The tensor to name of those that are not whole: one of weight, if there is one."""
    return min(roles.items(), key=lambda entry: (entry[0] in EVERYWHERE, entry[1]))[1]


def _update(layer: str, tensors: dict[str, Tensor], alphas: "_PeftAlphas") -> LayerUpdate:
    form = find_form(tensors.keys())
    assert form is not None  # as `_grouped` has seen
    alpha, rank = tensors.pop("alpha", None), form.rank(tensors)
    if rank is None:
        return LayerUpdate(form, tensors)
    if alpha is None:
        return LayerUpdate(form, tensors, alphas.scale(layer, rank))
    return LayerUpdate(form, tensors, float(alpha.flatten()[0]) / rank)


class _PeftAlphas:
    """The alphas that peft keeps apart from the weights: in metadata, or in a file beside them.

    Raises:
        ModelError: they cannot be read.
    """

    def __init__(self, file: Path) -> None:
        beside = file.with_name("adapter_config.json")
        settings = read_header(file).metadata.get(_METADATA)
        if settings is not None:
            self._settings = _json_object(file, settings)
        elif file.stem == "adapter_model" and beside.is_file():
            self._settings = read_json_object(beside)
        else:
            self._settings = {}

    def scale(self, layer: str, rank: int) -> float:
        """alpha / rank of a layer, 1 where nothing is known: W + B A is what the file then says."""
        part, _, inner = layer.partition(".")
        prefix = f"{part}." if f"{part}.lora_alpha" in self._settings else ""
        own = inner if prefix else layer.removeprefix("base_model.model.")
        patterns = self._settings.get(f"{prefix}alpha_pattern") or {}
        fitting = (value for pattern, value in patterns.items() if re.fullmatch(rf"(.*\.)?({pattern})", own))
        alpha = next(fitting, self._settings.get(f"{prefix}lora_alpha", rank))
        return alpha / (math.sqrt(rank) if self._settings.get(f"{prefix}use_rslora") else rank)


def _json_object(file: Path, text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ModelError(f"LoRA {file.name!r} has {_METADATA} that is no JSON object; its alpha is not known")
    return content
