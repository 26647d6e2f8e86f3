"""Models of the Hugging Face hub, through its own client: its cache, offline setting and progress bars."""

import re
from collections.abc import Sequence
from pathlib import Path

from negspace.errors import ModelError

SETTINGS = ("*.json", "*.txt", "*.model", "*/*.json", "*/*.txt", "*/*.model")
"""Files that tell what a model is, without its weights."""

WEIGHTS = ("*/*.safetensors",)


def is_hub_id(name: str) -> bool:
    """Whether a text has the form of an id on the hub: owner/name."""
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None and not name.startswith(".")


def fetch(name: str, patterns: Sequence[str]) -> Path:
    """The folder of a model of the hub in its cache, with the files of these patterns.

    What is in the cache is not fetched again, and nothing is where the client is told to be offline
    (HF_HUB_OFFLINE).

    Raises:
        ModelError: it is not there, may not be read, or cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(patterns)))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        told = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        raise ModelError(
            f"{name!r} is neither a folder here nor to be had from the hub: {told}; give a folder or a file"
        ) from None


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
