"""How the commands print: results on stdout, progress on stderr.

Nothing that a user typed is read as markup, and lines with a path in them are never broken.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from negspace.facts import EmbeddingFacts
from negspace.findings import Finding
from negspace.request import LoraUse, Moved

out = Console(highlight=False, markup=False, emoji=False)
err = Console(highlight=False, markup=False, emoji=False, stderr=True)

TERM_COLUMNS = ("avoided", "weight", "when", "source", "channel", "known", "tokens")
USUAL = {"weight": "1", "when": "always", "source": "user"}
"""The values that most avoided terms have; see `table`."""

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

    A column is left out if every row has its usual value.
    """
    usual = usual or {}
    kept = [
        index
        for index, column in enumerate(columns)
        if column not in usual or any(row[index] != usual[column] for row in rows)
    ]
    grid = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for index in kept:
        grid.add_column(columns[index], overflow="fold")
    for row in rows:
        grid.add_row(*(row[index] for index in kept))
    out.print(grid)


def findings(findings: Iterable[Finding]) -> None:
    """Each finding on its own line, with its level and its place in the text it is about."""
    for finding in findings:
        text = Text(f"{finding.level:<8}", style=_LEVELS[finding.level])
        text.append(f" {finding.text}", style="default")
        if finding.span is not None:
            text.append(f" ({finding.side or 'text'}, {span_text(finding.span)})", style="dim")
        out.print(text)


def span_text(span: tuple[int, int]) -> str:
    """A span in words."""
    return f"characters {span[0]} to {span[1]}"


def moved_terms(moved: Iterable[Moved]) -> None:
    """What inline forms moved out of the prompt, each on its own line."""
    for term in moved:
        line(f"moved from the prompt ({span_text(term.span)}): {term.text}", "dim")


def embeddings(facts: Iterable[EmbeddingFacts]) -> None:
    """The textual-inversion embeddings, each on its own line."""
    for embedding in facts:
        line(
            f"embedding {embedding.name}: {embedding.vectors} tokens, {embedding.file} "
            f"sha256 {embedding.sha256[:16]}",
            "dim",
        )


def loras(uses: Iterable[LoraUse]) -> None:
    """The LoRA files that are added, each on its own line."""
    for use in uses:
        line(f"LoRA {use}", "dim")


def sent_text(text: str | None) -> str:
    """The text of one side; no text and an empty text are told apart."""
    if text is None:
        return "(none: there is no text)"
    return text or "(empty: the text is empty)"


def known_words(known: bool | None, unknown: Sequence[str]) -> str:
    """Whether the encoder has learned every word of a term."""
    if known is None:
        return "not known"
    return "yes" if known else f"no: {', '.join(unknown)}"


def window_text(window: tuple[float, float]) -> str:
    """The share of the steps during which a term acts."""
    return "always" if window == (0.0, 1.0) else f"{window[0]:.0%} to {window[1]:.0%}"


def as_json(value: dict[str, Any]) -> None:
    """JSON on stdout, and nothing else."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
