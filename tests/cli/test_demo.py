"""`negspace demo`: the main job on the model that ships with the package."""

from pathlib import Path

from PIL import Image

from negspace import png
from negspace.cli.demo import PAIRS
from tests.cli.conftest import Cli


def test_the_demo_says_where_everything_lies(cli: Cli, tmp_path: Path) -> None:
    told = cli("demo", "--out", tmp_path, "-n", 1)
    assert told.code == 0, told.err
    pictures = sorted(tmp_path.glob("*-7.png"))
    assert len(pictures) == 2 * len(PAIRS)
    for file in (*pictures, *tmp_path.glob("*.json"), tmp_path / "side-by-side.png"):
        assert str(file) in told.out
    for (prompt, concepts), without, with_ in zip(PAIRS, pictures[::2], pictures[1::2], strict=True):
        first, second = png.read(without).receipt, png.read(with_).receipt
        assert first is not None
        assert second is not None
        assert (first.positive.text, first.negative_acted) == (prompt, False)
        assert (second.negative.text, second.negative_acted) == (", ".join(concepts), True)
        assert all(term.known for term in second.terms)
    with Image.open(tmp_path / "side-by-side.png") as image:
        assert image.height > image.width


def test_no_pictures_is_a_mistake(cli: Cli, tmp_path: Path) -> None:
    told = cli("demo", "--out", tmp_path / "demo", "-n", 0)
    assert (told.code, told.out) == (2, "")
    assert not list(tmp_path.iterdir())
