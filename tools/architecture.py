"""Draws docs/architecture.svg from the imports of the package; `make docs` runs it.

A box is a folder of src/negspace, or several small modules of one kind. A box stands above everything that it
imports. An arrow points from a box to one that it imports; where a longer way over other boxes leads there
too, the arrow is left out.
"""

import ast
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "negspace"
PICTURE = ROOT / "docs" / "architecture.svg"

GROUPS = {
    "values": (
        "errors facts findings frozen hires pixels plugins receipt records request ruletext strength",
        "Frozen values that travel everywhere: requests, receipts, facts of models, findings, errors.",
    ),
    "pictures": (
        "contact_sheet files infotext png",
        "Files that appear whole or not at all, PNGs that carry infotext and receipt, contact sheets.",
    ),
}
"""Modules directly in the package that share a box, and what it says."""

_WIDTH, _HEIGHT, _GAP, _ROW, _MARGIN = 190, 92, 22, 150, 24


def part_of(module: str) -> str | None:
    """The box that a module such as "negspace.engine.lane" belongs to; None for the package itself."""
    name = module.split(".")[1] if "." in module else None
    return next((group for group, (names, _) in GROUPS.items() if name in names.split()), name)


def imports() -> dict[str, set[str]]:
    """Which box imports which others."""
    graph: dict[str, set[str]] = defaultdict(set)
    for file in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(("negspace", *file.relative_to(PACKAGE).with_suffix("").parts))
        part = part_of(module.removesuffix(".__init__"))
        if part is not None:
            others = map(part_of, _imported(ast.parse(file.read_text(encoding="utf-8"))))
            graph[part] |= {other for other in others if other not in (None, part)}
    return dict(graph)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "negspace":
            yield from (f"negspace.{alias.name}" for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("negspace."):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("negspace."))


def layers(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The boxes in rows from the bottom up.

    A box stands one row under the lowest that imports it, and so above everything that it imports.
    """
    depth: dict[str, int] = {}

    def sink(part: str) -> int:
        if part not in depth:
            depth[part] = 1 + max((sink(other) for other in graph if part in graph[other]), default=-1)
        return depth[part]

    rows: dict[int, list[str]] = defaultdict(list)
    for part in sorted(graph):
        rows[sink(part)].append(part)
    return [rows[number] for number in sorted(rows, reverse=True)]


def arrows(graph: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """The imports without those that a longer way implies (the transitive reduction)."""

    def reached(part: str) -> set[str]:
        return graph[part] | {far for near in graph[part] for far in reached(near)}

    return [
        (part, other)
        for part in sorted(graph)
        for other in sorted(graph[part])
        if not any(other in reached(near) for near in graph[part] - {other})
    ]


def purpose(part: str) -> str:
    """What a box is for: the first sentence of its docstring."""
    if part in GROUPS:
        return GROUPS[part][1]
    file = PACKAGE / part / "__init__.py"
    file = file if file.exists() else PACKAGE / f"{part}.py"
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].replace("`", "").split())


def drawing() -> str:
    """The picture as SVG."""
    graph = imports()
    rows = layers(graph)
    widest = max(map(len, rows))
    width = widest * (_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    height = len(rows) * _ROW - (_ROW - _HEIGHT) + 2 * _MARGIN
    corner = {}
    for number, row in enumerate(rows):
        left = (width - len(row) * (_WIDTH + _GAP) + _GAP) / 2
        for place, part in enumerate(row):
            corner[part] = (left + place * (_WIDTH + _GAP), height - _MARGIN - _HEIGHT - number * _ROW)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" fill="#64748b"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    lines += [_arrow(corner[start], corner[end]) for start, end in arrows(graph)]
    lines += [_box(part, *corner[part]) for row in rows for part in row]
    return "\n".join((*lines, "</svg>", ""))


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    x1, x2, y1 = x1 + _WIDTH / 2, x2 + _WIDTH / 2, y1 + _HEIGHT
    bend = (y2 - y1) / 2
    path = f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"
    return f'<path d="{path}" fill="none" stroke="#64748b" stroke-width="1.3" marker-end="url(#tip)"/>'


def _box(part: str, x: float, y: float) -> str:
    texts = textwrap.wrap(purpose(part), 31, max_lines=4, placeholder=" …")
    look = 'rx="8" fill="#f1f5f9" stroke="#94a3b8"'
    return "\n".join(
        (
            f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" {look}/>',
            _text(x + 10, y + 20, part, 'font-size="14" font-weight="bold" fill="#0f172a"'),
            *(
                _text(x + 10, y + 38 + 14 * number, text, 'font-size="10.5" fill="#334155"')
                for number, text in enumerate(texts)
            ),
        )
    )


def _text(x: float, y: float, text: str, look: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" {look}>{escape(text)}</text>'
