"""`negspace prove`: what it prints and writes, and how mistakes are told."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.lab.worlds import Words

INERT = ("prove", "a cat", "--avoid", "hat, blurry", "--scale", 1)


def test_a_negative_that_cannot_act_is_proved_at_once(cli: Cli, tmp_path: Path) -> None:
    told = cli(*INERT, "--out", tmp_path)
    assert told.code == 0, told.err
    assert "No: the negative does nothing here" in told.out and "inert" in told.out
    assert str(tmp_path / "report.html") in told.out
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_what_was_measured_is_printed(
    cli: Cli, tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("negspace.lab.witness.witness_of", lambda _: Words())
    asked = ("prove", "a cat", "--avoid", "hat, zeppelin", "--model", tiny_sd, "--steps", 1)
    told = cli(*asked, "--max-pictures", 110, "--workers", 1, "--out", tmp_path)
    assert told.code == 0, told.err
    words = " ".join(told.out.split())
    assert words.startswith("at most 1") and "pictures, 0 are in" in words
    assert "zeppelin: the text encoder has learned none of its words" in words
    assert "control again (no negative, made once more): identical" in words
    assert "control unrelated (" in words and "None" not in words
    assert (tmp_path / "figures" / "1.svg").exists()


def test_json_is_all_there_is_on_stdout(cli: Cli, tmp_path: Path) -> None:
    told = cli(*INERT, "--out", tmp_path, "--json")
    assert told.json["verdicts"]["hat"]["kind"] == "inert" and told.json["folder"] == str(tmp_path)


def test_prompts_come_from_a_file_too(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("a boat\n\na tree\n")
    told = cli(*INERT, "--prompts", file, "--out", tmp_path / "out", "--json")
    assert told.json["prompts"] == ["a cat", "a boat", "a tree"]


def test_a_person_is_not_asked_about_what_cannot_act(cli: Cli, tmp_path: Path) -> None:
    told = cli(*INERT, "--judge", "person", "--out", tmp_path, "--json")
    assert told.json["witness"] == "a person, blind" and told.json["verdicts"]["hat"]["kind"] == "inert"
    assert (tmp_path / "votes.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("prove", "a cat", "--avoid", "hat", "--judge", "persn"), "did you mean 'person'"),
        (("prove", "--avoid", "hat"), "prompt: there is none"),
        (("prove", "a cat"), "nothing is avoided"),
        (("prove", "a cat", "--avoid", "hat", "--prompts", "nowhere.txt"), "cannot read nowhere.txt"),
        (("prove", "a cat", "--avoid", "hat", "--max-pictures", "9"), "too few"),
        (("prove", "a cat", "--avoid", "hat", "--model", "nowhere"), "there is no model"),
    ],
)
def test_mistakes_are_one_line(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made = cli(*arguments)
    assert made.code == 2 and told in made.err and made.err.count("\n") == 1 and made.out == ""
    assert not list(tmp_path.iterdir())
