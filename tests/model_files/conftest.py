"""The checkpoint of every family, made once; and a hub that is out of reach."""

from pathlib import Path

import pytest

from tests.families.conftest import Place, place

__all__ = ["Place", "offline", "place"]


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, which is the only place its client may look."""
    from huggingface_hub import constants

    cache = tmp_path / "hub"
    cache.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return cache
