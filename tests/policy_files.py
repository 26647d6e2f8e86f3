"""A policy file, and what may happen to it after a request was planned with it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

POLICY: dict[str, Any] = {
    "name": "floor",
    "version": 3,
    "explain": "No hats.",
    "locked": True,
    "avoid": ["hat"],
}


def write_policy(folder: Path, **fields: object) -> Path:
    """A policy that locks "hat", or one with other fields."""
    file = folder / "floor.yaml"
    file.write_text(json.dumps(POLICY | fields))
    return file


def edited(file: Path) -> None:
    """Another version with other terms."""
    write_policy(file.parent, version=4, avoid=["scarf", "smoke"])


def broken(file: Path) -> None:
    """No YAML any more."""
    file.write_text("avoid: [")


def deleted(file: Path) -> None:
    """No file any more."""
    file.unlink()


CHANGES: tuple[Callable[[Path], None], ...] = (edited, broken, deleted)
