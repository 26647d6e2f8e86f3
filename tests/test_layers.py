"""The house has floors: a module imports downward only, and heavy libraries stay where they belong."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "src" / "negspace"

# From the ground up. A part may import parts of lower floors and itself, never a neighbour on the same floor,
# except among the words, which are one floor of plain values.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "errors",
            "facts",
            "findings",
            "frozen",
            "hires",
            "pixels",
            "plugins",
            "receipt",
            "records",
            "request",
            "ruletext",
        }
    ),
    frozenset({"contact_sheet", "files", "prompt", "strength"}),
    frozenset({"infotext"}),
    frozenset({"png"}),
    frozenset({"avoid", "encoding", "guidance"}),
    frozenset({"feedback", "policy"}),
    frozenset({"planning"}),
    frozenset({"models"}),
    frozenset({"engine", "judge"}),
    frozenset({"run"}),
    frozenset({"generate"}),
    frozenset({"lab", "store"}),
    frozenset({"serve"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
WORDS = FLOORS[0]
HEIGHT = {part: height for height, floor in enumerate(FLOORS) for part in floor}

WITHOUT_TORCH = WORDS | {
    "avoid",
    "contact_sheet",
    "feedback",
    "files",
    "infotext",
    "planning",
    "png",
    "policy",
    "prompt",
    "strength",
}
TORCH_WHEN_CALLED = {"guidance"}
"""Parts that plans read, so they import torch for types alone, or inside the functions that compute."""
KEPT_TO = {
    "diffusers": {"models"},
    "transformers": {"models", "judge"},
    "fastapi": {"lab", "serve"},
    "starlette": {"serve"},
    "sqlalchemy": {"store", "serve"},
    "ray": {"lab", "serve"},
    "typer": {"cli"},
    "rich": {"cli"},
}

FILES = sorted(HOUSE.rglob("*.py"))


def part_of(file: Path) -> str:
    """The part of the house a file belongs to: a module or a folder directly in the package."""
    first = file.relative_to(HOUSE).parts[0]
    return first.removesuffix(".py")


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, at its top or inside a function, as (line, module)."""
    package = ("negspace", *file.relative_to(HOUSE).parts[:-1])
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join((*base, *((node.module,) if node.module else ())))
            # `from negspace import models` names a part only together with what is imported.
            if module == "negspace":
                yield from ((node.lineno, f"negspace.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def imports_at_import(file: Path) -> Iterator[tuple[int, str]]:
    """Every module that a file imports when it is imported itself: not for types alone, not in a function."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    later = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in later:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def named(file: Path) -> str:
    return str(file.relative_to(HOUSE.parent))


def breaches(file: Path) -> Iterator[str]:
    """Each import of a file that the rule forbids, in words."""
    part = part_of(file)
    for line, module in imports(file):
        top, _, rest = module.partition(".")
        where = f"{named(file)}:{line} imports {module}"
        if top == "negspace" and rest:
            other = rest.partition(".")[0]
            if (
                other in HEIGHT
                and other != part
                and HEIGHT[other] >= HEIGHT[part]
                and not {part, other} <= WORDS
            ):
                yield f"{where}: {part} may not import {other}"
        elif top == "torch" and part in WITHOUT_TORCH:
            yield f"{where}: {part} does without torch"
        elif top in KEPT_TO and part not in KEPT_TO[top]:
            yield f"{where}: {top} is kept to {', '.join(sorted(KEPT_TO[top]))}"
    if part in TORCH_WHEN_CALLED:
        for line, module in imports_at_import(file):
            if module.partition(".")[0] == "torch":
                yield f"{named(file)}:{line} imports {module}: {part} imports torch inside functions"


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.name != "__init__.py" or file.parent != HOUSE], ids=named
)
def test_imports_point_downward(file: Path) -> None:
    assert part_of(file) in HEIGHT, f"{part_of(file)} has no floor yet: add it to FLOORS"
    assert not list(breaches(file))


def test_the_rule_sees_a_breach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself is checked: upward, sideways, relative, lazy and misplaced imports are all found."""
    source = (
        "import torch\n"
        "from negspace import models\n"
        "from ..engine.lane import Lane\n"
        "from negspace.errors import NegspaceError\n"
        "def later():\n"
        "    import negspace.encoding.windows\n"
        "    import diffusers\n"
    )
    file = tmp_path / "avoid" / "plan.py"
    file.parent.mkdir()
    file.write_text(source)
    monkeypatch.setattr(f"{__name__}.HOUSE", tmp_path)
    assert [text.split(": ")[0].rpartition(":")[2] for text in breaches(file)] == [
        "1 imports torch",
        "2 imports negspace.models",
        "3 imports negspace.engine.lane",
        "6 imports negspace.encoding.windows",
        "7 imports diffusers",
    ]


def test_torch_is_imported_inside_functions_or_for_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from torch import Tensor\n"
        "from torch.nn import functional\n"
        "def combine():\n"
        "    import torch\n"
        "class Rule:\n"
        "    import torch\n"
    )
    file = tmp_path / "guidance" / "rule.py"
    file.parent.mkdir()
    file.write_text(source)
    monkeypatch.setattr(f"{__name__}.HOUSE", tmp_path)
    lines = [text.split(": ")[0].rpartition(":")[2] for text in breaches(file)]
    assert lines == ["4 imports torch.nn", "8 imports torch"]


PLANS = """
import sys
from negspace.planning.plan import plan
from negspace import ModelFacts, Request
from negspace.guidance import RULES

facts = ModelFacts(name="m", rules=tuple(RULES))
for name in RULES:
    text = name + '(weak="folder")' if "weak model" in RULES[name].needs() else name
    made = plan(Request(prompt="a cat", avoid="hat", rule=text), facts)
    assert made.rule == text
assert "torch" not in sys.modules, "torch was imported"
"""


def test_a_plan_with_any_rule_needs_no_torch() -> None:
    """Plans read facts of the rules from their classes; a fresh interpreter makes one with each."""
    done = subprocess.run([sys.executable, "-c", PLANS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
