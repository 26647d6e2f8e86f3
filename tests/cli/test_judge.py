"""`negspace judge` as users call it."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from negspace.judge import Calibration, Quality
from tests.cli.conftest import Cli


def pictures(folder: Path, radius: float, count: int = 16) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(7)
    for number in range(count):
        patches = np.kron(rng.integers(0, 255, (8, 8, 3)), np.ones((6, 6, 1))).astype(np.uint8)
        Image.fromarray(patches).filter(ImageFilter.GaussianBlur(radius)).save(folder / f"{number:02}.png")
    return folder


def test_calibrate_and_look(cli: Cli, tmp_path: Path) -> None:
    soft, sharp = pictures(tmp_path / "soft", 2.0), pictures(tmp_path / "sharp", 0.0)
    out = tmp_path / "mine.json"
    asked = ("judge", "calibrate", "blurry", "--with", soft, "--without", sharp, "--out", out)
    said = cli(*asked, "--json").json
    assert said["caught"]["share"] == 1.0 and said["false_alarms"]["count"] == 4
    assert list(Calibration.read(out).concepts) == ["blurry"]
    who = f"quality@{out}"
    seen = cli("judge", "look", soft / "00.png", sharp, "--judge", who, "--concept", "blurry", "--json").json
    verdicts = [sights[0]["verdict"] for sights in seen.values()]
    assert verdicts == ["seen", *["absent"] * 16]
    told = cli("judge", "look", sharp / "00.png", "--judge", "quality")
    assert told.code == 0 and "not calibrated" in told.out and "grey levels" in told.out
    again = cli(*asked[:2], "noise", *asked[3:])
    assert again.code == 0 and "false alarms" in again.out
    assert list(Calibration.read(out).concepts) == ["blurry", "noise"]


def test_thumbs_propose_what_disliked_pictures_have_more_often(cli: Cli, tmp_path: Path) -> None:
    soft, sharp = pictures(tmp_path / "soft", 2.0), pictures(tmp_path / "sharp", 0.0)
    asked = ("judge", "thumbs", "--judge", "quality", "--disliked", soft, "--liked")
    told = cli(*asked, sharp)
    assert told.code == 0 and "blurry" in told.out and "13 of 16" in told.out
    (first, *_) = cli(*asked, sharp, "--json").json["proposals"]
    assert first["concept"] == "blurry" and first["p_value"] < 1e-5
    assert "could not be chance" in cli(*asked, soft).out


def test_mistakes_are_one_line(cli: Cli, tmp_path: Path) -> None:
    soft, few = pictures(tmp_path / "soft", 2.0), pictures(tmp_path / "few", 0.0, 3)
    empty = tmp_path / "empty"
    empty.mkdir()
    out = tmp_path / "mine.json"
    text = tmp_path / "a.png"
    text.write_text("no picture")
    Calibration(judge="quality", made_for="0" * 64).write(tmp_path / "old.json")

    def calibrate(concept: str, without: Path, file: Path = out) -> tuple[object, ...]:
        return ("judge", "calibrate", concept, "--with", soft, "--without", without, "--out", file)

    for asked, why in (
        (calibrate("blurry", few), "3 pictures without 'blurry' are too few"),
        (calibrate("blurry", empty), "there are no pictures in"),
        (calibrate("hat", soft), "quality knows no 'hat'"),
        (calibrate("blurry", soft, tmp_path / "old.json"), "other weights"),
        (("judge", "look", text, "--judge", "quality"), "is no picture"),
        (("judge", "look", tmp_path / "none.png", "--judge", "quality"), "No such file"),
        (("judge", "look", soft, "--judge", "nobody"), "no judge is called 'nobody'"),
        (("judge", "look", soft, "--judge", "http://127.0.0.1:9/"), "names nothing by itself"),
    ):
        told = cli(*asked)
        assert told.code == 2 and why in told.err and len(told.err.splitlines()) == 1, told.err
    assert not out.exists() and Quality().weights() != "0" * 64
