"""`negspace demo`: the main job on the model that ships with the package."""

from pathlib import Path

from PIL import Image

from negspace import png
from negspace.cli.demo import RULES, WISHES
from tests.cli.conftest import Cli


def test_the_demo_says_where_everything_lies(cli: Cli, tmp_path: Path) -> None:
    told = cli("demo", "--out", tmp_path, "-n", 1)
    assert told.code == 0, told.err
    pictures = sorted(tmp_path.glob("*-7.png"))
    assert len(pictures) == len(RULES) * len(WISHES)
    for file in (*pictures, *tmp_path.glob("*.json"), tmp_path / "side-by-side.png"):
        assert str(file) in told.out
    receipts = [png.read(file).receipt for file in pictures]
    for (prompt, _, thing), *made in zip(WISHES, receipts[::3], receipts[1::3], receipts[2::3], strict=True):
        for rule, receipt in zip(RULES, made, strict=True):
            assert receipt is not None
            assert receipt.positive.text == prompt
            assert receipt.negative_acted is (rule is not None)
            assert [term.term for term in receipt.terms if term.known] == ([thing] if rule else [])
            assert rule is None or receipt.rule.startswith(rule)
    with Image.open(tmp_path / "side-by-side.png") as image:
        assert image.width > image.height
    counts = [line.split("of")[0].split()[-1] for line in told.out.splitlines() if " of 6 [" in line]
    assert len(counts) == 2


def test_no_pictures_is_a_mistake(cli: Cli, tmp_path: Path) -> None:
    told = cli("demo", "--out", tmp_path / "demo", "-n", 0)
    assert (told.code, told.out) == (2, "")
    assert not list(tmp_path.iterdir())
