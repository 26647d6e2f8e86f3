"""Judges by name: those that ship, folders, addresses and plug-ins."""

from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from PIL import Image

from negspace import plugins
from negspace.errors import JudgeError
from negspace.judge import Calibration, ConceptDetector, Judge, JudgeVerdict, Quality, open_judge
from negspace.judge.base import Picture
from negspace.judge.opening import open_scoring, openers
from negspace.judge.scoring import ScoringOpener
from tests.cli.conftest import Cli, cli

__all__ = ["cli"]


class Always(Judge):
    """Sees everything, and is opened from the text after its name."""

    def __init__(self, text: str) -> None:
        self.name = f"always {text}".rstrip()

    def knows(self, concept: str) -> bool:
        return True

    def concepts(self) -> tuple[str, ...]:
        return ("anything",)

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        row = tuple(JudgeVerdict(concept=name, judge=self.name, verdict="seen") for name in concepts)
        return [row for _ in pictures]

    def fingerprint(self) -> str:
        return self.name


class Strict(ScoringOpener):
    def open(self, text: str, calibration: Calibration | None) -> Quality:
        return Quality(calibration)


STRICT = Strict()
NO_OPENER = 3


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    group = "negspace.judges"
    entries = [
        EntryPoint("always", f"{__name__}:Always", group),
        EntryPoint("strict", f"{__name__}:STRICT", group),
        EntryPoint("broken", f"{__name__}:NO_OPENER", group),
        EntryPoint("quality", f"{__name__}:Always", group),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries)
    openers.cache_clear()
    yield
    openers.cache_clear()


def test_the_judges_that_ship_are_found_in_their_folder() -> None:
    assert {"embedded", "quality", "oracle", "folder", "http", "https"} <= set(openers())


@pytest.mark.usefixtures("plugged")
def test_a_plug_in_is_opened_by_its_name_with_the_text_after_it(tmp_path: Path) -> None:
    assert [open_judge(text).name for text in ("always", "always:a/b@c")] == ["always", "always a/b@c"]
    assert "broken" not in openers() and isinstance(open_judge("quality"), Quality)
    own = Calibration(judge="quality", made_for=Quality().weights(), only=True)
    own.with_concept("noise", ConceptDetector(threshold=1.0)).write(tmp_path / "own.json")
    assert open_judge(f"strict@{tmp_path / 'own.json'}").concepts() == ("noise",)
    assert open_scoring("strict").calibration is None


@pytest.mark.usefixtures("plugged")
def test_the_commands_take_a_plug_in_and_list_it(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(file)
    looked = cli("judge", "look", file, "--judge", "always", "--json")
    assert looked.json[str(file)][0]["concept"] == "anything"
    unknown = cli("judge", "look", file, "--judge", "nobody")
    assert unknown.code == 2 and "always" in unknown.err and "quality" in unknown.err


def test_what_has_no_thresholds_is_not_calibrated_and_text_is_refused_where_none_is_read() -> None:
    with pytest.raises(JudgeError, match="no thresholds"):
        open_scoring("oracle")
    for text in ("oracle:x", "quality:x", "embedded:x", "oracle@x"):
        with pytest.raises(JudgeError, match="takes no text"):
            open_judge(text)
