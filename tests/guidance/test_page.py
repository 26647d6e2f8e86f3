"""docs/rules.md has every rule as the catalogue has it, and its examples run."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from negspace.guidance import RULES
from negspace.guidance.base import range_in_words
from tools.rules_page import BEGIN, END, regenerated

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_page_is_as_the_catalogue_makes_it() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert regenerated(text) == text, "run `make docs`"


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_is_on_the_page_with_all_that_can_be_set(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    rule, part = RULES[name], text.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert rule.formula in part and rule.paper in part and f"`{rule.space}`" in part
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", part, re.MULTILINE))
    assert list(rows) == [one.name for one in fields(rule)]  # type: ignore[arg-type]
    for one in rule.settings():
        low, high, meaning = (one.metadata[key] for key in ("low", "high", "meaning"))
        assert f"`{one.default:g}`" in rows[one.name] and meaning in rows[one.name]
        assert range_in_words(low, high) in rows[one.name]
    assert all(cells.split(" | ")[2] for cells in rows.values()), "every setting is explained"


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no part between"):
        regenerated("# Rules\n")
    assert regenerated(f"a\n{BEGIN}\nold\n{END}\nb\n").startswith(f"a\n{BEGIN}\n\nAll rules: ")


def test_the_examples_run() -> None:
    for example in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(example, str(PAGE), "exec"), {})
