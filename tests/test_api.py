"""The public surface: exactly the names in `__all__`, sorted, each one there, and cheap until it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

import negspace

PACKAGE = Path(negspace.__file__).parent
HEAVY = ("torch", "diffusers", "transformers", "scipy", "matplotlib", "fastapi")


def loaded_after(code: str) -> set[str]:
    """The heavy libraries that are loaded after `code` ran in a new interpreter."""
    probe = f"{code}\nimport sys\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60
    )
    return set(run.stdout.splitlines()[-1].split())


def test_public_names_are_sorted_and_listed_once() -> None:
    assert negspace.__all__ == sorted(set(negspace.__all__))
    assert set(dir(negspace)) == set(negspace.__all__)


@pytest.mark.parametrize("name", negspace.__all__)
def test_every_public_name_is_there_and_explained(name: str) -> None:
    thing = getattr(negspace, name)
    assert thing.__doc__, f"negspace.{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'generat'"):
        _ = negspace.generat


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


@pytest.mark.parametrize(
    "code",
    [
        "import negspace",
        "import negspace; negspace.Request(prompt='a cat'); negspace.ModelFacts(name='m')",
        "import negspace as ns; ns.plan(ns.Request(prompt='a cat', avoid='hat'), ns.ModelFacts(name='m'))",
        "import negspace; negspace.prompt.parse('a (cat:1.3)')",
    ],
)
def test_words_and_plans_need_no_heavy_library(code: str) -> None:
    assert loaded_after(code) == set()
