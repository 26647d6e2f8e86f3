"""Models of the Hugging Face hub, through its own client: its cache, offline setting and progress bars."""

import re
from collections.abc import Sequence
from pathlib import Path

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

    Args:
        name: its id.
        patterns: of the files.
        revision: a commit; None is the newest.

    Raises:
        ModelError: it is not there, may not be read, or cannot be reached.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(patterns)))
    except (OSError, ValueError, TypeError, KeyError) as error:  # what answers may be no hub
        told = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        raise ModelError(
            f"{name!r} is neither a folder here nor to be had from the hub: {told}; give a folder or a file"
        ) from None


def fetch_weights(name: str, folder: Path, parts: Sequence[str], allow_pickle: bool) -> None:
    """Have the weights of parts in the cache: once each, and pickled ones only where that is allowed.

    Args:
        name: the id of the model.
        folder: of it in the cache.
        parts: folders in it.
        allow_pickle: whether pickled weights may be fetched.

    Raises:
        ModelError: as `fetch`.
    """
    kinds = ["{stem}.safetensors", "{stem}-*.safetensors"], ["{stem}.fp16*.safetensors"]
    pickled = ["{stem}.bin", "{stem}-*.bin"] if allow_pickle else []
    for patterns in (*kinds, pickled):
        lacking = [part for part in parts if not weight_files(folder / part, (".safetensors", ".bin"))]
        names = [f"{part}/{one.format(stem=stem)}" for part in lacking for one in patterns for stem in _STEMS]
        if names:
            fetch(name, names, folder.name)


def cached() -> list[str]:
    """Ids of the models in the hub's cache that have a diffusers layout of a family that is known."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    from negspace.models.families import FAMILIES

    known = {family.pipeline for family in FAMILIES}
    try:
        found = scan_cache_dir().repos
    except CacheNotFound:
        return []
    names: list[str] = []
    for repository in found:
        index = next(
            (one / "model_index.json" for one in (r.snapshot_path for r in repository.revisions)), None
        )
        if repository.repo_type == "model" and index is not None and index.is_file():
            if any(f'"{pipeline}"' in index.read_text(encoding="utf-8") for pipeline in known):
                names.append(repository.repo_id)
    return sorted(names)
