"""A dialect of another package can be used by its name like one that ships."""

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import negspace as ns
from negspace.errors import RequestError
from negspace.plugins import plugins
from negspace.prompt import DIALECTS, Dialect

MODULE = """
from negspace.prompt import Chunk, Dialect, Prompt

def parse(source, findings):
    weight = 1.0 + 0.5 * source.count("!")
    chunk = Chunk(source.replace("!", ""), weight, (0, len(source)))
    return Prompt((chunk,), "loud", source, findings.collected())

def write(prompt):
    return prompt.clean + "!" * round(2 * prompt.chunks[0].weight - 2)

DIALECT = Dialect("loud", parse, write)
"""
PROBE = """
import sys
import loud_dialect
import negspace as ns
from negspace.cli import main

assert ns.prompt.DIALECTS["loud"] is loud_dialect.DIALECT
assert ns.prompt.parse("a cat!!", "loud").chunks == (("a cat", 2.0),)
assert ns.prompt.convert("a cat!!", "loud", "comfy") == "(a cat:2.0)"
request = ns.Request(prompt="a cat!", avoid="hat!!", dialect="loud")
(term,) = ns.plan(request, ns.ModelFacts(name="m")).terms
assert (term.avoid.term, term.avoid.weight) == ("hat", 2.0), term
sys.argv = ["negspace", "plan", "a cat!", "--avoid", "hat!!", "--dialect", "loud", "--json"]
sys.exit(main())
"""


def test_an_installed_dialect_is_usable_everywhere(tmp_path: Path) -> None:
    (tmp_path / "loud_dialect.py").write_text(MODULE)
    info = tmp_path / "loud_dialect-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loud-dialect\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[negspace.dialects]\nloud = loud_dialect:DIALECT\n")
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    run = subprocess.run(
        [sys.executable, "-c", PROBE], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert '"term":"hat"' in run.stdout.replace(" ", "") and "left out" not in run.stderr


def test_shipped_dialects_are_found_in_their_folder() -> None:
    folder = Path(ns.prompt.__file__).parent / "dialects"
    shipped = {file.stem for file in folder.glob("*.py") if file.stem != "__init__"}
    assert shipped <= set(DIALECTS) and all(DIALECTS[name].name == name for name in shipped)
    with pytest.raises(RequestError, match="no dialect is called 'a111'; did you mean 'a1111'"):
        ns.prompt.parse("a", "a111")


def test_what_ships_needs_no_entry_points(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = DIALECTS["plain"]
    added = [
        EntryPoint("own", f"{__name__}:DIALECTS", "group"),
        EntryPoint("plain", f"{__name__}:Dialect", "group"),
    ]
    asked: list[str] = []
    monkeypatch.setattr("negspace.plugins.entry_points", lambda group: asked.append(group) or added)

    def check(plugin: object) -> Dialect:
        raise ValueError(f"a {type(plugin).__name__} is no dialect")

    known = plugins("group", {"plain": own}, check)
    assert known["plain"] is own and "plain" in known and not asked
    assert list(known) == ["plain"] and asked == ["group"]
    assert "is no dialect" in caplog.text and "'plain' is taken" in caplog.text
