"""The house has floors: a module imports downward only, and heavy libraries stay where they belong."""

import ast
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
            "pixels",
            "plugins",
            "receipt",
            "records",
            "request",
            "ruletext",
        }
    ),
    frozenset({"contact_sheet", "files", "infotext", "prompt", "strength"}),
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
