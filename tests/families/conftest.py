"""The checkpoint of every family, made once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

Place = Callable[[str], Path]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The folder of a family's checkpoint."""
    from tests.families.tiny import TINY

    base = tmp_path_factory.mktemp("families")

    @cache
    def made(family: str) -> Path:
        if family not in TINY:
            pytest.fail(
                f"the family {family} has no stand-in: add tests/families/stand_ins/{family}.py", False
            )
        TINY[family].save(base / family)
        return base / family

    return made
