"""`negspace check` as users call it, on pictures of every kind that a folder may hold."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.cli.conftest import Cli

QUALITY = ("--judge", "quality")


def grain(side: int = 64, seed: int = 0) -> Image.Image:
    """A picture in many colours that no measure finds fault with at these sizes but noise."""
    patches = np.random.default_rng(seed).integers(40, 210, (8, 8, 3))
    return Image.fromarray(np.kron(patches, np.ones((side // 8, side // 8, 1))).astype(np.uint8))


def signed(file: Path) -> Path:
    """A picture with a user name on it."""
    ground = Image.new("RGB", (512, 512), (60, 80, 90))
    ImageDraw.Draw(ground).text((330, 470), "@mira.photo", fill="white", font=ImageFont.load_default(26))
    ground.save(file)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Good pictures of odd kinds, and bad files."""
    place = tmp_path / "shots"
    place.mkdir()
    grain().save(place / "a.png")
    grain().convert("CMYK").save(place / "b-cmyk.jpg", quality=95)
    Image.fromarray(np.full((64, 64), 40000, np.uint16)).save(place / "c-blank-16-bit.png")
    grain().save(place / "d-two-frames.gif", save_all=True, append_images=[grain(seed=1)])
    (place / "e-cut.png").write_bytes((place / "a.png").read_bytes()[:200])
    (place / "f-no-picture.png").write_text("no picture")
    Image.new("1", (5000, 4000)).save(place / "g-huge.png")
    (place / "h.txt").write_text("no picture and not called like one")
    return place


def test_one_bad_file_does_not_lose_the_others(cli: Cli, folder: Path) -> None:
    done = cli("check", folder, "--avoid", "flat colour", *QUALITY, "--json")
    assert done.code == 3 and done.json["exit_code"] == 3
    outcomes = {Path(each["file"]).name[0]: each["outcome"] for each in done.json["pictures"]}
    assert outcomes == dict(
        zip("abcdefg", ["clean", "clean", "seen", "clean", *["unreadable"] * 3], strict=True)
    )
    problems = {Path(each["file"]).name[0]: each["problem"] for each in done.json["pictures"]}
    assert "truncated" in problems["e"] and "is no picture" in problems["f"] and "too large" in problems["g"]
    assert done.json["left_out"] == 1 and set(done.json["milliseconds"]) == {"quality"}
    (animated,) = [each for each in done.json["pictures"] if each["notes"]]
    assert animated["notes"] == ["only the first of 2 frames was looked at"]


def test_exit_codes(cli: Cli, folder: Path) -> None:
    avoid = ("--avoid", "flat colour", *QUALITY)
    assert cli("check", folder / "a.png", *avoid).code == 0
    assert cli("check", folder / "a.png", folder / "e-cut.png", *avoid).code == 2
    assert cli("check", folder / "e-cut.png", folder / "c-blank-16-bit.png", *avoid).code == 3


def test_what_nobody_can_see_never_passes_for_absent(cli: Cli, folder: Path) -> None:
    file = folder / "a.png"
    unknown = cli("check", file, "--avoid", "extra fingers", *QUALITY)
    assert unknown.code == 0 and "1 unknown" in unknown.out and "clean" not in unknown.out
    blocked = cli("check", file, "--policy", "brand-safety", *QUALITY)
    assert blocked.code == 3 and "nobody could look for" in blocked.out and "swastika" in blocked.out
    assert cli("check", file, "--policy", "brand-safety-unchecked", *QUALITY).code == 0


def test_the_table_fits_into_80_columns_and_the_reports_say_the_same(
    cli: Cli, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    junit, sheet = tmp_path / "report.xml", tmp_path / "sheet.png"
    reports = ("--junit", junit, "--sheet", sheet)
    done = cli("check", folder, "--avoid", "flat colour", "--avoid", "bad hands", *QUALITY, *reports)
    table = done.out.partition("pictures:")[0].splitlines()
    assert max(map(len, table)) <= 80 and any("not wanted" in line for line in table)
    suite = ElementTree.parse(junit).getroot()
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7",
        "failures": "1",
        "errors": "3",
        "skipped": "3",
    }
    with Image.open(sheet) as drawn:
        assert min(drawn.size) > 200


def test_real_marks_are_seen_where_they_are_by_the_automatic_judge(cli: Cli, tmp_path: Path) -> None:
    file, sheet = signed(tmp_path / "a.png"), tmp_path / "sheet.png"
    done = cli("check", f"{tmp_path}/a*.png", "--policy", "quality-marks", "--sheet", sheet, "--json")
    (picture,) = done.json["pictures"]
    seen = {verdict["concept"]: verdict for verdict in picture["verdicts"] if verdict["verdict"] == "seen"}
    assert done.code == 3 and picture["file"] == str(file) and {"text", "username"} <= seen.keys()
    assert seen["username"]["words"] == "@mira.photo" and len(seen["username"]["boxes"]) == 1
    assert set(picture["defects"]) == {"marks"} and {"text", "nudity", "quality"} > set(
        done.json["milliseconds"]
    )
    with Image.open(sheet) as drawn:  # the frame around the mark
        assert (np.asarray(drawn.convert("RGB")) == (220, 30, 60)).all(axis=2).sum() > 50


def test_upright_by_exif(cli: Cli, tmp_path: Path) -> None:
    """A phone's picture lies on its side in the file and says so."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter to the right
    with Image.open(signed(tmp_path / "a.png")) as upright:
        upright.rotate(90, expand=True).save(tmp_path / "turned.png", exif=exif)
    done = cli("check", tmp_path / "turned.png", "--avoid", "username", "--judge", "text", "--json")
    assert done.json["pictures"][0]["verdicts"][0]["words"] == "@mira.photo"


def test_mistakes_are_one_line(cli: Cli, folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for asked, why in (
        ((folder,), "say what must not be there"),
        ((empty, "--avoid", "blurry", *QUALITY), "there are no pictures in"),
        ((tmp_path / "none-*.png", "--avoid", "blurry", *QUALITY), "No such file, folder or match"),
        ((folder, "--policy", "quality-mark", *QUALITY), "quality-mark"),
        ((folder, "--avoid", "blurry", "--judge", "tagger:nowhere"), "cannot be read"),
        ((folder / "a.png", "--avoid", "blurry", *QUALITY, "--watch"), "needs a folder to watch"),
        ((folder, "--avoid", "blurry", *QUALITY, "--junit", folder / "a.png" / "x.xml"), "cannot write"),
    ):
        done = cli("check", *asked)
        assert done.code == 2 and why in done.err and len(done.err.splitlines()) == 1, done.err


def test_a_folder_is_watched(tmp_path: Path) -> None:
    """A new picture is one line of JSON, a damaged one too, and Ctrl-C ends it."""
    command = [sys.executable, "-m", "negspace", "check", str(tmp_path), "--watch", "--json", *QUALITY]
    watching = subprocess.Popen(
        [*command, "--avoid", "flat colour"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None and watching.stderr is not None
    try:
        assert "watching" in watching.stderr.readline()
        time.sleep(0.5)  # the watcher itself begins after the line
        Image.new("RGB", (64, 64), "gray").save(tmp_path / "blank.png")
        text = watching.stdout.read(0)
        while '"file": "' not in text and '"file":' not in text.rpartition("\n")[2]:
            line = watching.stdout.readline()
            text += line
            if line.startswith('{"file"'):
                assert json.loads(line)["outcome"] == "seen"
                break
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) in (0, 2, 3, 130)
    finally:
        watching.kill()
        watching.communicate()
    assert os.listdir(tmp_path) == ["blank.png"]


def test_calibrating_a_folder_shows_intervals_of_beta(cli: Cli, tmp_path: Path) -> None:
    examples = tmp_path / "examples"
    for name, make in (
        ("monochrome", lambda n: grain(seed=n).convert("L")),
        ("none", lambda n: grain(seed=n)),
    ):
        (examples / name).mkdir(parents=True)
        for number in range(16):
            make(number).save(examples / name / f"{number:02}.png")
    (examples / "extra fingers").mkdir()
    out = tmp_path / "mine.json"
    done = cli("judge", "calibrate", examples, "--out", out)
    assert done.code == 0 and "100.0% [55.5%, 100.0%] of 4" in done.out  # Beta(4.5, 0.5) from 2.5 % on
    assert "extra fingers: the judge does not know it" in done.out
    checked = cli("check", examples, "--avoid", "monochrome", "--judge", f"quality@{out}", "--json")
    assert checked.code == 2 and "no pictures" in checked.err
    both = [examples / "monochrome", examples / "none"]
    checked = cli("check", *both, "--avoid", "monochrome", "--judge", f"quality@{out}", "--json")
    assert [each["outcome"] for each in checked.json["pictures"]] == ["seen"] * 16 + ["clean"] * 16
    assert cli("judge", "calibrate", tmp_path, "--out", out).code == 2
    assert "--with FOLDER" in cli("judge", "calibrate", "monochrome", "--out", out).err
