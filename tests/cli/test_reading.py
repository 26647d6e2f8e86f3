"""`negspace read`, `models` and `rules`: what there is, told to people and to programs."""

from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from negspace.guidance import RULES
from tests.cli.conftest import Cli


@pytest.fixture
def picture(cli: Cli, tiny_sd: Path, tmp_path: Path) -> Path:
    made = cli("imagine", "a cat", "--avoid", "hat", "--json", "--model", tiny_sd, "--out", tmp_path)
    return Path(made.json["pictures"][0])


def test_a_picture_tells_how_it_was_made(cli: Cli, picture: Path) -> None:
    told = cli("read", picture)
    assert told.code == 0
    assert "a cat\nNegative prompt: hat\nSteps: 4, Sampler: DPM++ 2M, CFG scale: 4, Seed: 0" in told.out
    assert "4 positive, 4 negative" in told.out


def test_the_same_as_json(cli: Cli, picture: Path) -> None:
    told = cli("read", picture, "--json").json
    assert told["infotext"]["settings"]["CFG scale"] == "4"
    assert told["receipt"]["negative"]["text"] == "hat"
    assert told["parameters"].startswith("a cat\n")


def test_a_picture_of_another_program(cli: Cli, tmp_path: Path) -> None:
    chunks = PngInfo()
    chunks.add_text("parameters", "a castle\nSteps: 3, Sampler: Euler, Seed: 1")
    Image.new("RGB", (8, 8)).save(tmp_path / "other.png", pnginfo=chunks)
    told = cli("read", tmp_path / "other.png")
    assert told.code == 0
    assert "a castle" in told.out
    assert "made by another program" in told.out
    assert cli("read", tmp_path / "other.png", "--json").json["receipt"] is None


def test_files_that_say_nothing(cli: Cli, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "bare.png")
    (tmp_path / "notes.txt").write_text("no picture")
    for name in ("bare.png", "notes.txt", "missing.png", "."):
        told = cli("read", tmp_path / name)
        assert (told.code, told.out) == (2, "")
        assert told.err.count("\n") == 1


def test_models_are_described(cli: Cli, tiny_sd: Path) -> None:
    words = " ".join(cli("models", tiny_sd).out.split())
    assert "tiny (sd, epsilon)" in words
    assert "64x64; any multiple of 16" in words
    told = cli("models", tiny_sd, "--json").json
    assert told[str(tiny_sd)]["scale"] == 4.0
    assert "hat" in told[str(tiny_sd)]["encoders"][0]["words"]


def test_rules_are_described(cli: Cli) -> None:
    assert "d_n + w (d_c - d_n)" in cli("rules").out
    told = cli("rules", "--json").json
    assert "2207.12598" in told["cfg"]["paper"] and told["cfg"]["hosted"] is None
    assert list(told) == list(RULES), "one list"


def test_rules_tell_their_settings_and_costs(cli: Cli, tiny_sd: Path) -> None:
    told = cli("rules", "--json", "--model", tiny_sd).json
    assert told["nag"]["settings"]["tau"] == {
        "default": 2.5,
        "low": 0.001,
        "high": None,
        "meaning": "how many times longer a token may become",
    }
    assert (told["cfg"]["evaluations"], told["nag"]["evaluations"], told["pag"]["evaluations"]) == (2, 1, 3)
    assert (told["nag"]["tells"], told["nag"]["wraps"], told["nag"]["hosted"]) == ("attention", True, True)
    words = " ".join(cli("rules", "--model", tiny_sd).out.split())
    assert "tau=2.5 (from 0.001 on): how many times longer" in words and "alpha=0.25 (0 to 1)" in words
    assert "2 evaluations a step" in words and "tiny can host it" in words
