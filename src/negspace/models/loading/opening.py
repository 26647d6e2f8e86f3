"""Opening models: a source becomes a Network, whole or not at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from negspace.encoding import Cache, Cached, TextEncoder
from negspace.errors import ModelError
from negspace.models.architecture.family import Family
from negspace.models.architecture.parts import ModelPart, TextPart
from negspace.models.base import Network
from negspace.models.catalogue import family_of
from negspace.models.files.fingerprint import WeightFiles
from negspace.models.files.headers import read_header, weight_files
from negspace.models.files.hub import fetch_weights
from negspace.models.files.layouts import layout_of
from negspace.models.files.pickles import PICKLED, read_pickle
from negspace.models.files.source import ModelFolder, Source, find_model
from negspace.models.hardware import Placement
from negspace.models.loading.checkpoint import Checkpoint, LoadedParts
from negspace.models.loading.lora import add_loras, check_lora
from negspace.models.loading.reading import (
    FAILURES,
    build_part,
    check_part,
    read_error,
    read_part,
    read_tokenizer,
)
from negspace.models.loading.savings import save_memory
from negspace.models.loading.swapping import check_text_encoder, read_text_encoder


def open_network(source: str | Path | Source, placement: Placement) -> Network:
    """The network of a source.

    Raises:
        ModelError: nothing is there, it is of a kind that is not known, or its weights cannot be read.
    """
    source = source if isinstance(source, Source) else Source(source)
    folder = find_model(source)
    family = family_of(folder)
    facts = family.facts(folder)
    texts = family.present_encoders(folder)
    parts: tuple[ModelPart, ...] = (*texts, family.denoiser, family.vae)
    swaps = _swaps(source, texts)
    tokenizers = {part.folder: read_tokenizer(part, folder.path / part.tokenizer) for part in texts}
    for name, swap in swaps.items():
        check_text_encoder(swap, name, folder, len(tokenizers[name].get_vocab()), source.allow_pickle)
    for file, _ in source.loras:
        check_lora(Path(file))
    states = {} if folder.file is None else _split(folder, family, source)
    own = [part for part in parts if part.folder not in states and part.folder not in swaps]
    if folder.hub_id:
        fetch_weights(folder.hub_id, folder.path, [part.folder for part in own], source.allow_pickle)
    for part in own:
        _check_own(folder, part, source)

    def read(part: ModelPart) -> Any:
        place = folder.path / part.folder
        if part.folder in swaps:
            return read_text_encoder(part, swaps[part.folder], folder, placement, source.allow_pickle)
        if part.folder in states:
            settings = folder.settings(part.folder)
            return build_part(part, settings, states.pop(part.folder), placement, folder.file or place)
        return read_part(part, place, placement, source.allow_pickle)

    networks = {part.folder: read(part) for part in parts}
    add_loras(family, source.loras, networks)
    save_memory(source.savings, family, networks, placement)
    encoders = [
        TextEncoder(tokenizers[part.folder], networks[part.folder], encoder, part.layer)
        for part, encoder in zip(texts, facts.encoders, strict=True)
    ]
    denoiser = networks[family.denoiser.folder]
    opened = LoadedParts(
        denoiser,
        networks[family.vae.folder],
        Cached(family.join_encoders(encoders, denoiser.config), Cache()),
        folder.scheduler,
        _print(folder, parts, swaps, source),
    )
    return Checkpoint(family, facts, placement, opened)


def _swaps(source: Source, texts: tuple[TextPart, ...]) -> dict[str, Path]:
    names = [part.folder for part in texts]
    for name, _ in source.text_encoders:
        if name not in names:
            raise ModelError(f"this model has no {name!r} to be swapped; it has {', '.join(names)}")
    return {name: Path(place) for name, place in source.text_encoders}


def _check_own(folder: ModelFolder, part: ModelPart, source: Source) -> None:
    try:
        check_part(folder.path / part.folder, source.allow_pickle)
    except ModelError as error:
        if folder.file is None:
            raise
        raise ModelError(
            f"{str(folder.file)!r} has no {part.folder}, and its config neither: {error}"
        ) from None


def _split(folder: ModelFolder, family: Family, source: Source) -> dict[str, Mapping[str, Tensor]]:
    """The tensors of a file by part, under the names of diffusers.

    Raises:
        ModelError: it is of another family than its config, or lacks tensors.
    """
    file = folder.file
    assert file is not None
    if file.suffix in PICKLED:
        state = read_pickle(file, source.allow_pickle)
        layout = layout_of(dict.fromkeys(state))  # type: ignore[arg-type]
    else:
        from safetensors.torch import load_file

        layout = layout_of(read_header(file).tensors)
        try:
            state = load_file(file)
        except FAILURES as error:
            raise read_error(file, error) from None
    if layout is None or layout.family != family.name:
        reason = "of no known layout" if layout is None else f"laid out as {layout.family}"
        raise ModelError(f"{str(file)!r} is {reason}; its config {str(folder.path)!r} is {family.name}")
    try:
        split = layout.split(state, folder.settings)
    except FAILURES as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise ModelError(
            f"{str(file)!r} begins like {layout.family} and lacks what that has: {reason}"
        ) from None
    return {name: part for name, part in split.items() if part}


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
    besides += [(f"lora x{weight:g}", Path(file)) for file, weight in source.loras]
    if folder.file is not None:
        besides.insert(0, ("whole", folder.file))
    return WeightFiles(folder.path, tuple(own), tuple(besides))
