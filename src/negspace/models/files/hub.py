"""Models of the Hugging Face hub, through its own client: its cache, offline setting and progress bars."""

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from negspace.errors import ModelError
from negspace.models.files.headers import weight_files

SETTINGS = ("*.json", "*.txt", "*.model", "*/*.json", "*/*.txt", "*/*.model")
"""Files that tell what a model is, without its weights."""

_STEMS = ("model", "diffusion_pytorch_model")
"""What weight files are called, by transformers and diffusers."""


def is_hub_id(name: str) -> bool:
    """Whether a text has the form of an id on the hub: owner/name."""
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None and not name.startswith(".")


def fetch(name: str, patterns: Sequence[str], revision: str | None = None) -> Path:
    """The folder of a model of the hub in its cache, with the files of these patterns.

    What is in the cache is not fetched again, and nothing is where the client is told to be offline
    (HF_HUB_OFFLINE).

    `revision` is a commit; None is the newest.

    Raises:
        ModelError: it is not there, may not be read, or cannot be reached.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(patterns)))
    except (OSError, ValueError, TypeError, KeyError) as error:  # what answers may be no hub
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        raise ModelError(
            f"{name!r} is neither a folder here nor to be had from the hub: {reason}; give a folder or a file"
        ) from None


def is_cached(name: str) -> bool:
    """Whether the settings of a model of the hub are in its cache."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, "model_index.json"), str)


def fetch_weights(name: str, folder: Path, parts: Sequence[str], allow_pickle: bool) -> None:
    """Have the weights of parts in the cache: once each, and pickled ones only where that is allowed.

    Args:
        name: the id of the model.
        folder: of it in the cache.
        parts: folders in it.

    Raises:
        ModelError: as `fetch`.
    """
    kinds = ["{stem}.safetensors", "{stem}-*.safetensors"], ["{stem}.fp16*.safetensors"]
    pickled = ["{stem}.bin", "{stem}-*.bin"] if allow_pickle else []
    for patterns in (*kinds, pickled):
        lacking = [part for part in parts if not weight_files(folder / part, (".safetensors", ".bin"))]
        names = [
            f"{part}/{pattern.format(stem=stem)}"
            for part in lacking
            for pattern in patterns
            for stem in _STEMS
        ]
        if names:
            fetch(name, names, folder.name)


def cached_models(pipelines: Collection[str]) -> list[str]:
    """Ids of the models in the hub's cache whose index names one of these pipeline classes."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return []
    return sorted(
        repository.repo_id
        for repository in repositories
        if repository.repo_type == "model" and _names_one_of(pipelines, repository.revisions)
    )


def _names_one_of(pipelines: Collection[str], revisions: Iterable[Any]) -> bool:
    """Whether the first of the cached revisions has an index that names one of these pipelines."""
    index = next((revision.snapshot_path / "model_index.json" for revision in revisions), None)
    if index is None or not index.is_file():
        return False
    text = index.read_text(encoding="utf-8")
    return any(f'"{pipeline}"' in text for pipeline in pipelines)
