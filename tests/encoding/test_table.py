"""The table of cases in the docs names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_case_has_its_test() -> None:
    named = re.findall(r"`(tests/\S+?\.py)(?:::(\w+))?`", (ROOT / "docs" / "encoding.md").read_text("utf-8"))
    assert len(named) > 15
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text("utf-8") if test else (ROOT / file).is_file()
