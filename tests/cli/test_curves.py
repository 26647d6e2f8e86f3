"""`negspace curves`: what it writes, and how mistakes are told."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.lab.worlds import Words


def test_the_command_draws(cli: Cli, tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("negspace.lab.witness.witness_of", lambda _: Words())
    asked = ("curves", "a cat", "--avoid", "hat", "--model", tiny_sd, "--steps", 2, "--pictures", 2)
    told = cli(*asked, "--scales", "1, 4", "--workers", 1, "--out", tmp_path)
    assert told.code == 0, told.err
    assert (
        "curves.html" in told.out and len(json.loads((tmp_path / "curves.json").read_text())["points"]) == 2
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("curves", "a cat", "--avoid", "hat", "--scales", "1;2"), "no list of numbers"),
        (("curves", "a cat"), "nothing is avoided"),
        (("curves", "a cat", "--avoid", "hat", "--scales", "2"), "two different"),
    ],
)
def test_mistakes_of_curves_are_one_line(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made = cli(*arguments)
    assert made.code == 2 and told in made.err and made.err.count("\n") == 1 and made.out == ""
    assert not list(tmp_path.iterdir())
