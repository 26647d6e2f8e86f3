"""The table by which policies compare rules, from the page of the frontier."""

import re
from pathlib import Path

_FRONTIER = Path(__file__).parents[1] / "docs" / "frontier.md"
_ROW = re.compile(
    r"\| \d+ \| \**`(?P<rule>[a-z].*?)`\** \| \d+ \| (?P<leak>[\d.]+) \[[\d.]+, (?P<most>[\d.]+)\]"
)
_HEAD = """# Made by `make docs` from docs/frontier.md; do not edit.
# By rule: the share of pictures that show what is avoided, and the upper end of its 95 % interval.
"""


def table() -> str:
    """The YAML of all rules, in the order of the page."""
    rows = _ROW.finditer(_FRONTIER.read_text(encoding="utf-8"))
    return _HEAD + "".join(f'"{row["rule"]}": [{row["leak"]}, {row["most"]}]\n' for row in rows)
