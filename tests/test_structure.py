"""What a stranger may count on in this package: no import circles, one meaning a name, short files."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

SOURCE = Path(__file__).parents[1] / "src"
FILES = sorted(file for file in (SOURCE / "negspace").rglob("*.py") if "migrations" not in file.parts)
TREES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in FILES}

LONGEST_FILE = 350
NO_NAMES = frozenset({"told", "said", "one", "asked", "found"})
"""Words that say nothing of the value they name."""


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(file): file for file in FILES}


def imported(file: Path, modules: dict[str, Path], tree: ast.Module) -> Iterator[str]:
    """The modules of the package that a file imports: at its top, in functions, and for types alone.

    A submodule counts as itself; a name that a package hands on counts as that package.
    """
    package = file.relative_to(SOURCE).parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join((*base, *((node.module,) if node.module else ())))
            for alias in node.names:
                target = f"{module}.{alias.name}"
                # The version and the lazy names of the top package are no imports of its own.
                target = target if target in modules else module
                if target in modules and target != "negspace":
                    yield target


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one module (Tarjan, 1972), and modules that import
    themselves."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    result: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(graph[node]):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            start = stack.index(node)
            component = stack[start:]
            del stack[start:]
            if len(component) > 1 or node in graph[node]:
                result.append(component)

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return result


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module_of(file): set(imported(file, MODULES, tree)) for file, tree in TREES.items()}
    assert not circles(graph)


def test_a_circle_is_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": set()}) == []


def public_types(tree: ast.Module) -> Iterator[str]:
    """The names of classes, and of types that a module names at its top; type variables are no types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ):
                variable = isinstance(value, ast.Call) and ast.unparse(value.func) in ("TypeVar", "ParamSpec")
                if name[0].isupper() and not name.isupper() and not variable:
                    yield name


def test_a_public_name_of_a_type_means_one_type() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for file, tree in TREES.items():
        for name in public_types(tree):
            homes[name].append(module_of(file))
    assert not {name: places for name, places in homes.items() if len(places) > 1}


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that a file gives to a value, a parameter, an attribute or a function, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                yield node.lineno, name
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name


def test_names_say_what_a_value_is() -> None:
    places = [
        f"{module_of(file)}:{line} {name}"
        for file, tree in TREES.items()
        for line, name in bound_names(tree)
        if name.strip("_") in NO_NAMES
    ]
    assert not places, f"{len(places)} names that say nothing: {', '.join(places[:20])}"


@pytest.mark.parametrize("package", [file for file in FILES if file.name == "__init__.py"], ids=module_of)
def test_a_package_hides_none_of_its_modules(package: Path) -> None:
    """`import negspace.x.y` always gives a module."""
    inside = {path.stem for path in package.parent.iterdir() if path.suffix == ".py" or path.is_dir()}
    inside.remove("__init__")
    tree = TREES[package]
    bound = {name for _, name in bound_names(tree)}
    bound |= {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and f"{node.module}" != module_of(package):
            bound |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Dict):  # the homes of names that are looked up on first use
            bound |= {
                key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
            }
    assert not bound & inside


def test_files_are_short() -> None:
    lengths = {module_of(file): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert not {name: count for name, count in lengths.items() if count > LONGEST_FILE}


def test_functions_are_short() -> None:
    """Median at most 6 lines of code, nine in ten under 20; docstrings do not count."""
    lengths = [
        body[-1].end_lineno - body[0].lineno + 1
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (body := [part for part in node.body if not _is_docstring(part)])
        and body[-1].end_lineno is not None
    ]
    assert median(lengths) <= 6
    assert quantiles(lengths, n=10)[-1] < 20


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
