"""The package in examples/plugins, installed and used; and packages that are broken."""

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from negspace.errors import PromptError, RequestError
from negspace.guidance import catalogue
from negspace.guidance.shared.wrappers import Shaping
from negspace.guidance.tensor import Tensor
from negspace.judge import opening
from negspace.plugins import defined_in
from negspace.prompt import parsing
from negspace.prompt.dialect import Dialect
from negspace.prompt.parsing import SourceText
from negspace.prompt.tree import Prompt

EXAMPLE = Path(__file__).parents[1] / "examples" / "plugins"

Python = Callable[..., subprocess.CompletedProcess[str]]


def run_with(*folders: Path) -> Python:
    """Runs Python with folders of installed packages."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        import os

        path = os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=300
        )

    return run


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example package as pip installs it, without a network."""
    target = tmp_path_factory.mktemp("installed")
    options = ("--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(EXAMPLE)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return target


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package whose plug-ins cannot be imported, are of the wrong kind, or take a known name."""
    folder = tmp_path_factory.mktemp("broken")
    facts = folder / "broken_plugin-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 1\n")
    groups = ("rules", "families", "dialects", "judges", "server_dialects")
    lines = [f"[negspace.{group}]\nbroken = broken_plugin:Thing\nnumber = math:pi" for group in groups]
    lines[0] += "\ncfg = math:pi"
    (facts / "entry_points.txt").write_text("\n".join(lines))
    (folder / "broken_plugin.py").write_text("raise ImportError('no module named\\nwhatever')\n")
    return folder


USE = """
import negspace as ns
from PIL import Image
from negspace.judge import open_judge
from negspace.serve.app import dialects

model = ns.load("embedded", dtype="float32")
result = model.generate("a red house", avoid="SMOKE", dialect="shouting", rule="half_cfg", steps=2, seed=1)
plain = model.generate("a red house", avoid="SMOKE", dialect="shouting", rule="cfg", steps=2, seed=1)
assert result.receipt.rule == "half_cfg" and result.receipt.negative_acted
assert result.images[0].tobytes() != plain.images[0].tobytes()
assert result.receipt.terms[0].weight == 1.2, result.receipt.terms
(verdict,), = open_judge("dark").look([Image.new("RGB", (4, 4))], ["dark"])
assert verdict.verdict == "seen"
assert "telegram" in [dialect.name for dialect in dialects()]
"""


def test_the_example_package_is_used(installed: Path) -> None:
    run = run_with(installed)("-c", USE)
    assert run.returncode == 0, run.stderr


def test_the_command_line_knows_it(installed: Path) -> None:
    python = run_with(installed)
    assert "half_cfg" in python("-m", "negspace", "rules").stdout
    assert (
        "sd-sag"
        in python("-m", "negspace", "models").stdout
        + python(
            "-c",
            "from negspace.models.catalogue import FAMILIES; print(list(FAMILIES))",
        ).stdout
    )
    planned = python("-m", "negspace", "plan", "a house", "--avoid", "hat", "--rule", "half_cfg")
    assert planned.returncode == 0, planned.stderr


def test_a_broken_package_is_one_line_each_and_no_crash(broken: Path) -> None:
    run = run_with(broken)("-m", "negspace", "plan", "a house", "--avoid", "hat")
    assert run.returncode == 0, run.stderr
    lines = run.stderr.splitlines()
    assert "Traceback" not in run.stderr
    rules = [line for line in lines if "negspace.rules" in line]
    assert len(rules) == 3 and all("broken-plugin" in line for line in rules), run.stderr
    assert any("no module named whatever" in line for line in rules)
    assert any("'cfg' is taken" in line for line in rules)


def test_a_module_that_forgets_what_it_must_define_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "forgetful_dialects"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "shouting.py").write_text("DIALECT = 'shouting'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(TypeError, match=r"forgetful_dialects\.shouting must define DIALECT, a Dialect"):
        list(defined_in(import_module("forgetful_dialects"), "DIALECT", Dialect))


def test_a_judge_opener_takes_one_text() -> None:
    def without_a_text() -> None: ...

    with pytest.raises(ValueError, match="does not take one text: too many positional arguments"):
        opening._checked(without_a_text)
    with pytest.raises(ValueError, match="is no function"):
        opening._checked("quality")


def test_a_dialect_gives_a_chunk_for_every_text() -> None:
    silent = Dialect("silent", lambda text, _: Prompt((), "silent", text), lambda _: "")
    with pytest.raises(PromptError, match="the dialect silent gives no chunk"):
        SourceText("a hat", silent).parse()


class Bad(Shaping):
    """A rule of another package with a mistake."""

    name = "bad"
    formula = "d = g"
    paper = "none"
    space = "any"

    def shape(self, guided: Tensor, positive: Tensor) -> Tensor:
        return guided


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ({"delivery": "negative"}, "delivery is one of text, terms"),
        ({"space": "epsilon"}, "space is one of any, x0"),
        ({"reaches": lambda self: True}, "reaches takes a moment"),
        ({"remarks": lambda self: ()}, "remarks takes a number of steps"),
        ({"__init__": lambda self: _refuse("power must be a number")}, "power must be a number"),
    ],
)
def test_a_mistake_in_a_rule_is_found_when_it_is_loaded(mistake: dict[str, object], message: str) -> None:
    with pytest.raises((ValueError, RequestError), match=message):
        catalogue._checked(type("Mistaken", (Bad,), mistake))


def test_a_dialect_is_called_with_what_it_takes() -> None:
    wrong: Any = Dialect("wrong", lambda text: Prompt((), "wrong", text), lambda _: "")  # pyright: ignore
    with pytest.raises(ValueError, match="parse takes a text and a FindingCollector"):
        parsing._checked(wrong)


def _refuse(message: str) -> None:
    raise RequestError(message)
