"""Makes every generated page of the documentation anew: `python -m tools.docs`, or `make docs`."""

from collections.abc import Callable
from pathlib import Path

from tools import architecture, files_page, leaks, policies_page, rules_page
from training.world import docs as world

DOCS = Path(__file__).parents[1] / "docs"

GENERATORS: dict[str, Callable[[str], str]] = {
    "architecture.svg": lambda _: architecture.drawing(),
    "files.md": lambda _: files_page.page(),
    "policy.md": policies_page.with_table,
    "rules.md": rules_page.regenerated,
    "world.md": lambda _: world.page(),
    "../src/negspace/policy/leaks.yaml": lambda _: leaks.table(),
}
"""How each page comes about, from what it says today."""


def generated(name: str) -> str:
    """A page of `GENERATORS` as it should be today."""
    place = DOCS / name
    return GENERATORS[name](place.read_text(encoding="utf-8") if place.exists() else "")


if __name__ == "__main__":
    for name in GENERATORS:
        (DOCS / name).write_text(generated(name), encoding="utf-8")
