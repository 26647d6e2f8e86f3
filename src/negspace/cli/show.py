"""What the commands have in common when they print: results on stdout, progress on stderr, no surprises.

Nothing that a user typed is ever read as markup, and lines that hold a path are never broken.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from negspace.facts import EmbeddingFacts
from negspace.findings import Finding
from negspace.request import Moved

out = Console(highlight=False, markup=False, emoji=False)
err = Console(highlight=False, markup=False, emoji=False, stderr=True)

USUAL = {"weight": "1", "when": "always", "source": "user"}
"""What most avoided terms have; see `table`."""

_LEVELS = {"warning": "yellow", "note": "cyan"}


def line(text: str, style: str | None = None) -> None:
    """One line on stdout, however long."""
    out.print(text, style=style, soft_wrap=True)


def pairs(rows: Iterable[tuple[str, str]]) -> None:
    """Names and values in two columns; long values are wrapped within theirs."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, value)
    out.print(grid)


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], usual: Mapping[str, str] | None = None
) -> None:
    """A table without rules; cells that are too long are wrapped within their column.

    A column is left out where every row says what is usual in it.
    """
    commonplace = usual or {}
    kept = [
        index
        for index, column in enumerate(columns)
        if any(row[index] != commonplace.get(column) for row in rows) or column not in commonplace
    ]
    drawn = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for index in kept:
        drawn.add_column(columns[index], overflow="fold")
    for row in rows:
        drawn.add_row(*(row[index] for index in kept))
    out.print(drawn)


def findings(found: Iterable[Finding]) -> None:
    """Each finding on its own line, with its level and its place in the text it is about."""
    for finding in found:
        told = Text(f"{finding.level:<8}", style=_LEVELS[finding.level])
        told.append(f" {finding.text}", style="default")
        if finding.span is not None:
            told.append(f" ({finding.side or 'text'}, {span_text(finding.span)})", style="dim")
        out.print(told)


def span_text(span: tuple[int, int]) -> str:
    """A span in words."""
    return f"characters {span[0]} to {span[1]}"


def moved_terms(found: Iterable[Moved]) -> None:
    """What an inline form took out of the prompt, each on its own line."""
    for one in found:
        line(f"moved from the prompt ({span_text(one.span)}): {one.text}", "dim")


def embeddings(known: Iterable[EmbeddingFacts]) -> None:
    """What the text encoders are taught, each on its own line."""
    for one in known:
        line(f"embedding {one.name}: {one.vectors} tokens, {one.file} sha256 {one.sha256[:16]}", "dim")


def sent_text(text: str | None) -> str:
    """The text of one side, with the two ways of saying nothing kept apart."""
    if text is None:
        return "(none: nothing is said)"
    return text or "(empty: an empty text is said)"


def known_words(known: bool | None, unknown: Sequence[str]) -> str:
    """Whether the encoder has learned every word of a term."""
    if known is None:
        return "nobody knows"
    return "yes" if known else f"no: {', '.join(unknown)}"


def window_text(window: tuple[float, float]) -> str:
    """The share of the steps during which something is told."""
    return "always" if window == (0.0, 1.0) else f"{window[0]:.0%} to {window[1]:.0%}"


def as_json(value: dict[str, Any]) -> None:
    """JSON on stdout, and nothing else."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
