"""What receipts say acted changed the picture, in every family: the law of tests/acted.py."""

from functools import cache
from pathlib import Path

import pytest

import negspace
from negspace.generate import Model, Result
from negspace.models.catalogue import FAMILIES
from tests.acted import PROMPT, STEPS, Avoided, Case, Make, cases, holds, share
from tests.families.conftest import Place

NAMES = list(FAMILIES)


@cache
def opened(folder: Path) -> Model:
    return negspace.load(folder, dtype="float32", device="cpu")


@pytest.fixture(scope="module")
def make(place: Place) -> Make:
    """The picture of a case by the stand-in of its family; without guidance where a rule says so itself."""

    @cache
    def made(family: str, rule: str, dialect: str, avoid: Avoided) -> Result:
        text = f'autoguidance(weak="{place(family)}")' if rule == "autoguidance" else rule
        scale = None if "scale=" in rule else 3.0
        fields = {"rule": text, "dialect": dialect, "scale": scale, "steps": STEPS, "seed": 7}
        return opened(place(family)).generate(PROMPT, avoid=avoid, **fields)

    return made


def check(place: Place, make: Make, case: Case) -> None:
    if case[1].partition("(")[0] in opened(place(case[0])).facts.rules:
        holds(make, case)


@pytest.mark.parametrize("family", NAMES)
def test_what_acted_changed_the_picture(place: Place, make: Make, family: str) -> None:
    for case in share(cases([family]), 8):
        check(place, make, case)


@pytest.mark.slow
@pytest.mark.parametrize("family", NAMES)
def test_what_acted_changed_the_picture_in_every_case(place: Place, make: Make, family: str) -> None:
    for case in cases([family]):
        check(place, make, case)
