"""Opening models: a source becomes a Network, whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from negspace.encoding import TextEncoder
from negspace.errors import ModelError
from negspace.facts import TextEncoderLayer
from negspace.models.architecture.family import Family
from negspace.models.architecture.parts import ModelPart, TextPart
from negspace.models.base import Network
from negspace.models.catalogue import family_of
from negspace.models.files.fingerprint import WeightFiles
from negspace.models.files.headers import weight_files
from negspace.models.files.hub import fetch_weights
from negspace.models.files.layouts import layout_of
from negspace.models.files.pickles import PICKLED
from negspace.models.files.shipped import has_vocabulary
from negspace.models.files.source import ModelFolder, Saving, Source, find_folder, find_model
from negspace.models.files.weights import read_weights
from negspace.models.hardware import Placement
from negspace.models.loading.checkpoint import Checkpoint
from negspace.models.loading.loaded import LoadedParts
from negspace.models.loading.reading import (
    FAILURES,
    build_part,
    check_part,
    read_part,
    read_tokenizer,
)
from negspace.models.loading.savings import save_memory
from negspace.models.loading.swapping import check_text_encoder, check_vae, read_text_encoder, read_vae
from negspace.models.lora.apply import sharing_copy, with_loras
from negspace.models.lora.file import check_lora
from negspace.models.lora.folder import AddedLora, lora_names
from negspace.models.lora.names import LayerNames

_MOVING: frozenset[Saving] = frozenset({"model offload", "sequential offload"})
"""Savings that move the weights of a network, which its copies with LoRA files share."""


def open_network(source: str | Path | Source, placement: Placement) -> Network:
    """The network of a source.

    Raises:
        ModelError: nothing is there, it is of a kind that is not known, or its weights cannot be read.
    """
    source = source if isinstance(source, Source) else Source(source)
    folder = find_model(source)
    family = family_of(folder)
    facts = replace(family.facts(folder), loras=lora_names(source.lora_dir))
    texts = family.present_encoders(folder)
    parts: tuple[ModelPart, ...] = (*texts, family.denoiser, family.vae)
    swaps, layers = _swaps(source, family, texts), _layers(source, texts, folder)
    _check_swaps(swaps, family, folder, source)
    added = [AddedLora(Path(file).stem, Path(file), weight, weight) for file, weight in source.loras]
    for lora in added:
        check_lora(lora.file)
    if source.lora_dir is not None and (moving := _MOVING.intersection(source.savings)):
        raise ModelError(f"LoRA files of requests exclude {min(moving)}; add the files with lora instead")
    states = {} if folder.file is None else _split(folder, family, source)
    own = [part for part in parts if part.folder not in states and part.folder not in swaps]
    folder = _with_the_rest(folder, own, texts)
    tokenizers = {part.folder: read_tokenizer(part, folder.path / part.tokenizer) for part in texts}
    if folder.hub_id:
        fetch_weights(folder.hub_id, folder.path, [part.folder for part in own], source.allow_pickle)
    for part in own:
        _check_own(folder, part, source)

    if _MOVING.intersection(source.savings):
        placement = placement.resting("cpu")  # all weights together may not fit on the device

    def read(part: ModelPart) -> Any:
        place = folder.path / part.folder
        if part.folder in swaps and part is family.vae:
            return read_vae(family.vae, swaps[part.folder], folder, placement, source.allow_pickle)
        if part.folder in swaps:
            return read_text_encoder(part, swaps[part.folder], folder, placement, source.allow_pickle)
        settings = folder.settings(part.folder)
        placed = placement.for_settings(settings)
        if part.folder in states:
            return build_part(part, settings, states.pop(part.folder), placed, folder.file or place)
        return read_part(part, place, placed, source.allow_pickle)

    networks = {part.folder: read(part) for part in parts}
    if added:
        networks |= with_loras(added, LayerNames(family, networks), networks, family.denoiser.folder)
    untouched = {} if source.lora_dir is None else {part: sharing_copy(networks[part]) for part in networks}
    save_memory(source.savings, family, networks, placement)
    encoders = {
        part.folder: TextEncoder(tokenizers[part.folder], networks[part.folder], encoder, layers[part.folder])
        for part, encoder in zip(texts, facts.encoders, strict=True)
    }
    weights = _print(folder, parts, swaps, source).with_added((lora.label, lora.file) for lora in added)
    opened = LoadedParts(
        family,
        placement,
        networks,
        encoders,
        folder.scheduler,
        weights,
        tuple(lora.record() for lora in added),
        untouched,
        source.savings,
    )
    return Checkpoint(family, facts, placement, opened)


def check_other_files(source: Source) -> None:
    """Look at what replaces a model's parts or is added to them, without reading weights.

    Raises:
        ModelError: one of them is not there, damaged, or does not fit the model.
    """
    folder = find_model(source)
    family = family_of(folder)
    texts = family.present_encoders(folder)
    _layers(source, texts, folder)
    _check_swaps(_swaps(source, family, texts), family, folder, source)
    for file, _ in source.loras:
        check_lora(Path(file))


def _check_swaps(swaps: Mapping[str, Path], family: Family, folder: ModelFolder, source: Source) -> None:
    for name, swap in swaps.items():
        if name == family.vae.folder:
            check_vae(swap, family.vae, folder, source.allow_pickle)
        else:
            check_text_encoder(swap, name, folder, source.allow_pickle)


def _layers(source: Source, texts: tuple[TextPart, ...], folder: ModelFolder) -> dict[str, TextEncoderLayer]:
    """Which output of each text encoder is read.

    Raises:
        ModelError: another one is asked for of a model that has no choice, or there are fewer layers.
    """
    layers = {part.folder: part.layer for part in texts}
    if source.clip_skip is None:
        return layers
    first, *others = texts
    if others or first.layer.norm != "final" or first.layer.text != "chunks":
        raise ModelError(f"clip skip is for Stable Diffusion 1 and 2, and {folder.name} is {folder.pipeline}")
    most = int(folder.settings(first.folder).get("num_hidden_layers", 12))
    if not 1 <= source.clip_skip <= most:
        raise ModelError(f"clip skip {source.clip_skip}: {folder.name} has layers 1 to {most}")
    return {first.folder: replace(first.layer, skip=source.clip_skip - 1)}


def _swaps(source: Source, family: Family, texts: tuple[TextPart, ...]) -> dict[str, Path]:
    names = [part.folder for part in texts]
    for name, _ in source.text_encoders:
        if name not in names:
            raise ModelError(f"this model has no {name!r} to be swapped; it has {', '.join(names)}")
    swaps = {name: Path(place) for name, place in source.text_encoders}
    return swaps if source.vae is None else {**swaps, family.vae.folder: Path(source.vae)}


def _check_own(folder: ModelFolder, part: ModelPart, source: Source) -> None:
    try:
        check_part(folder.path / part.folder, source.allow_pickle)
    except ModelError as error:
        if folder.file is None:
            raise
        raise ModelError(
            f"{str(folder.file)!r} has no {part.folder}, and its config neither: {error}"
        ) from None


def _with_the_rest(folder: ModelFolder, own: Sequence[ModelPart], texts: tuple[TextPart, ...]) -> ModelFolder:
    """The folder that has what a file lacks: of one that ships, with settings alone, its home on the hub.

    Raises:
        ModelError: it cannot be reached.
    """
    lacking = [part.folder for part in own]
    lacking += [part.tokenizer for part in texts if not has_vocabulary(folder.path / part.tokenizer)]
    if not folder.home or not lacking:
        return folder
    try:
        rest = find_folder(folder.home)
    except ModelError as error:
        words = f"{str(folder.file)!r} has no {', '.join(lacking)}, which {folder.home} has"
        raise ModelError(f"{words}; give config, a diffusers folder of its kind: {error}") from None
    return replace(folder, path=rest.path, hub_id=rest.hub_id)


def _split(folder: ModelFolder, family: Family, source: Source) -> dict[str, Mapping[str, Tensor]]:
    """The tensors of a file by part, under the names of diffusers.

    Raises:
        ModelError: it is of another family than its config, lacks tensors, or holds more than its config has.
    """
    file = folder.file
    assert file is not None
    state = read_weights(file, source.allow_pickle)
    layout = layout_of(state)
    if layout is None or layout.family != family.name:
        reason = "of no known layout" if layout is None else f"laid out as {layout.family}"
        raise ModelError(f"{str(file)!r} is {reason}; its config {str(folder.path)!r} is {family.name}")
    try:
        parts = layout.parts(state, folder.settings, file)
    except FAILURES as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise ModelError(
            f"{str(file)!r} begins like {layout.family} and is not whole, or has more: {reason}"
        ) from None
    known = {part.folder for part in (*family.present_encoders(folder), family.denoiser, family.vae)}
    if spare := sorted(parts.keys() - known):
        raise ModelError(
            f"{str(file)!r} holds {spare[0]}, which its config {str(folder.path)!r} lacks; give one with it"
        )
    return dict(parts)


def _print(
    folder: ModelFolder, parts: tuple[ModelPart, ...], swaps: Mapping[str, Path], source: Source
) -> WeightFiles:
    endings = (".safetensors", *(PICKLED if source.allow_pickle else ()))
    own = [
        file
        for part in parts
        if part.folder not in swaps
        for file in weight_files(folder.path / part.folder, endings)
    ]
    besides = [
        (f"{name} from", file)
        for name, place in swaps.items()
        for file in ([place] if place.is_file() else weight_files(place, endings))
    ]
    if folder.file is not None:
        besides.insert(0, ("whole", folder.file))
    settings = () if source.clip_skip is None else (f"clip skip {source.clip_skip}",)
    return WeightFiles(folder.path, tuple(own), tuple(besides), settings)
