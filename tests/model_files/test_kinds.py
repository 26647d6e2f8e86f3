"""Every kind of file gives the picture that it should, or is refused in one true sentence."""

import re
import sys
from pathlib import Path

import pytest

import negspace
from negspace.errors import ModelError
from negspace.models.catalogue import read_facts
from negspace.models.files.source import Source
from tests.model_files.conftest import Place
from tests.model_files.kinds import KINDS, Kind, Opening


def made(opening: Opening) -> negspace.Result:
    other = {name: value for name, value in opening.items() if name != "place"}
    model = negspace.load(opening["place"], **other, dtype="float32", device="cpu")
    return model.generate("a red cat", avoid="hat", seed=3, rule="cfg", scale=2.0, steps=2)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_file_is_right_or_refused_in_one_line(place: Place, tmp_path: Path, kind: Kind) -> None:
    opening, expected = kind.write(place(kind.family), tmp_path)
    if kind.refused:
        with pytest.raises(ModelError, match=re.escape(kind.refused)) as caught:
            made(opening)
        assert not re.search(r"damaged|fetch it again|\n", str(caught.value))
        return
    facts = read_facts(Source(opening["place"], opening.get("config")))
    assert facts.family == kind.family
    first, second = made(expected).latents, made(opening).latents
    assert first.abs().max() > 0.5 and (first - second).abs().max() < 1e-4


def test_gguf_without_its_library_says_what_to_install(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.gguf").write_bytes(b"GGUF" + bytes(60))
    with pytest.raises(ModelError, match=r"mine\.gguf' is damaged: as GGUF"):
        read_facts(Source(tmp_path / "mine.gguf", place("flux")))
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ModelError, match=r"needs the library gguf: pip install 'negspace\[checkpoints\]'"):
        read_facts(Source(tmp_path / "mine.gguf", place("flux")))


def test_every_row_of_the_page_names_a_test_that_is_there() -> None:
    from tools.files_page import ROWS

    tests = Path(__file__).parents[1]
    for row in ROWS:
        file, _, function = row.test.partition("::")
        assert f"def {function}(" in (tests / file).read_text(encoding="utf-8"), row.test
