"""`negspace imagine`: what is written, what is printed, and that both tell the same story."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from negspace import infotext, png
from negspace.cli.output import slug
from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from tests.cli.conftest import Cli
from tests.pictures import gradient, half
from tests.policy_files import write_policy


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_pictures_receipt_and_grid_are_written(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    told = cli(
        "imagine", "a red house, night", "--avoid", "hat, blurry", "-n", 3, "--seed", 7, "--grid",
        "--model", tiny_sd, "--out", tmp_path,
    )  # fmt: skip
    assert told.code == 0, told.err
    stem = "0001-a-red-house-night"
    pictures = [f"{stem}-{seed}.png" for seed in (7, 8, 9)]
    assert names(tmp_path) == [*pictures, f"{stem}-grid.png", f"{stem}.json"]
    for name in names(tmp_path):
        assert str(tmp_path / name) in told.out

    whole = Receipt.from_json((tmp_path / f"{stem}.json").read_text())
    assert whole.negative.text == "hat, blurry"
    assert whole.negative_acted
    assert [term.term for term in whole.terms] == ["hat", "blurry"]
    for index, name in enumerate(pictures):
        texts = png.read(tmp_path / name)
        assert texts.receipt == whole.single(index)
        info = infotext.read(texts.parameters or "")
        assert (info.prompt, info.negative) == ("a red house, night", "hat, blurry")
        assert info.settings["Seed"] == str(7 + index)
        with Image.open(tmp_path / name) as image:
            assert hashlib.sha256(image.tobytes()).hexdigest() == whole.images[index].sha256


def test_the_summary_says_what_the_receipt_says(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    told = cli("imagine", "a cat", "--avoid", "hat, zeppelin", "--model", tiny_sd, "--out", tmp_path)
    words = " ".join(told.out.split())
    assert "acted yes, in 4 of 4 steps" in words
    assert "8 evaluations for 1 picture: 4 positive, 4 negative" in words
    assert "no: zeppelin" in words
    assert "never learned" in words


def test_a_negative_that_cannot_act_is_told(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    told = cli("imagine", "a cat", "--avoid", "hat", "--scale", 1, "--model", tiny_sd, "--out", tmp_path)
    words = " ".join(told.out.split())
    assert "acted no: the scale is 1" in words
    assert "4 evaluations for 1 picture: 4 positive" in words


def test_nothing_empty_and_text_are_kept_apart(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    sent = {}
    for name, avoid in (("none", []), ("empty", ["--avoid", ""]), ("text", ["--avoid", "hat"])):
        told = cli("imagine", "a cat", *avoid, "--json", "--model", tiny_sd, "--out", tmp_path)
        sent[name] = told.json["receipt"]["negative"]["text"]
    assert sent == {"none": None, "empty": "", "text": "hat"}


def test_json_is_all_there_is_on_stdout(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    told = cli("imagine", "un château 夜", "-n", 2, "--grid", "--json", "--model", tiny_sd, "--out", tmp_path)
    assert told.code == 0
    assert sorted(told.json) == ["grid", "pictures", "receipt", "receipt_file", "seconds"]
    assert [Path(place).exists() for place in (*told.json["pictures"], told.json["grid"])] == [True] * 3
    written = Receipt.from_json(Path(told.json["receipt_file"]).read_text(encoding="utf-8"))
    assert written == Receipt.from_dict(told.json["receipt"])
    assert written.request.prompt == "un château 夜"


def test_nothing_is_overwritten(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    for prompt in ("a cat", "a cat", "a boat"):
        assert cli("imagine", prompt, "--model", tiny_sd, "--out", tmp_path).code == 0
    assert names(tmp_path) == [
        "0001-a-cat-0.png",
        "0001-a-cat.json",
        "0002-a-cat-0.png",
        "0002-a-cat.json",
        "0003-a-boat-0.png",
        "0003-a-boat.json",
    ]


def test_a_picture_alone_is_the_one_of_a_set(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    together = cli("imagine", "a cat", "-n", 3, "--json", "--model", tiny_sd, "--out", tmp_path).json
    alone = cli("imagine", "a cat", "--seed", 2, "--json", "--model", tiny_sd, "--out", tmp_path).json
    assert together["receipt"]["images"][2]["sha256"] == alone["receipt"]["images"][0]["sha256"]


def test_what_is_typed_is_not_markup(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    told = cli(
        "imagine", "a [red]cat[/blue] :smile:", "--avoid", "[bold]hat", "--model", tiny_sd, "--out", tmp_path
    )
    assert told.code == 0, told.err
    assert "a [red]cat[/blue] :smile:" in told.out
    assert "[bold]hat" in told.out


def test_a_disk_that_fills_up_leaves_nothing(
    cli: Cli, tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("negspace.files.os.fsync", full)
    told = cli("imagine", "a cat", "-n", 2, "--model", tiny_sd, "--out", tmp_path)
    assert (told.code, told.out) == (2, "")
    assert "No space left on device" in told.err
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a snowman, (night:1.3)", "a-snowman-night-1-3"),
        ("../../etc/passwd", "etc-passwd"),
        ("雪だるま 夜", "雪だるま-夜"),
        ("!!!", "picture"),
        ("", "picture"),
        ("word " * 40, "word-word-word-word-word-word-word-word-word-wor"),
    ],
)
def test_file_names_are_made_of_words(prompt: str, name: str) -> None:
    assert slug(prompt) == name


def test_a_picture_to_start_from(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    gradient().save(tmp_path / "from.png")
    half().save(tmp_path / "mask.png")
    asked = (
        "a cat",
        "--avoid",
        "hat",
        "--model",
        tiny_sd,
        "--from",
        tmp_path / "from.png",
        "--strength",
        0.5,
    )
    told = cli("imagine", *asked, "--mask", tmp_path / "mask.png", "--out", tmp_path / "out")
    assert told.code == 0, told.err
    words = " ".join(told.out.split())
    assert "strength 0.5, redrawn by mask" in words and "4 evaluations for 1 picture" in words
    with Image.open(next((tmp_path / "out").glob("*.png"))) as image:
        kept = (0, 0, 32, 64)
        assert image.crop(kept).tobytes() == gradient().crop(kept).tobytes()
    plain = cli("plan", *asked, "--json")
    assert plain.code == 0 and plain.json["request"]["start"]["picture"]["data"] is None
    for wrong, clue in (
        (("--mask", tmp_path / "from.jpg"), "cannot read"),
        (("--size", "32x32"), "the picture is 64x64"),
        (("--strength", 0), "strength"),
    ):
        refused = cli("imagine", *asked, *wrong, "--out", tmp_path / "none")
        assert refused.code == 2 and clue in refused.err and refused.err.count("\n") == 1
    alone = cli("imagine", "a cat", "--strength", 0.5, "--model", tiny_sd)
    assert alone.code == 2 and "--from FILE" in alone.err
    assert not (tmp_path / "none").exists()


def test_a_request_is_planned_once(
    cli: Cli, tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import negspace.generate
    import negspace.planning.plan

    made: list[Plan] = []
    compile_plan = negspace.planning.plan.plan

    def counted(*given: Any, **fields: Any) -> Plan:
        made.append(compile_plan(*given, **fields))
        return made[-1]

    monkeypatch.setattr(negspace.planning.plan, "plan", counted)
    monkeypatch.setattr(negspace.generate, "plan", counted)
    policy = write_policy(tmp_path)
    asked = ("imagine", "a cat", "--policy", policy, "--model", tiny_sd, "--out", tmp_path / "out", "--json")
    receipt = cli(*asked).json["receipt"]
    assert len(made) == 1
    assert [term["source"] for term in receipt["terms"]] == [term.avoid.source for term in made[0].terms]
