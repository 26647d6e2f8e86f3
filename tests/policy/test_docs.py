"""docs/policy.md: its example runs, its policy is read, and its table has every shipped policy."""

import re
from pathlib import Path

import pytest

from negspace.policy.loading import parse_policy, shipped_names
from tests.policy.bypass import attempts
from tools.policies_page import with_table

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert match is not None
    return match[1]


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block("python"), "docs/policy.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("smoke, people, (extra fingers:1.1), bad hands, ")
    assert "watermark" in lines[-1]


def test_the_policy_of_the_page_is_read() -> None:
    policy = parse_policy(block("yaml"))
    assert policy.label == "no-hats@2" and len(policy.avoid) == 19


def test_every_shipped_policy_is_in_the_table() -> None:
    missing = [name for name in shipped_names() if f"| `{name}` |" not in PAGE]
    assert not missing, "run `make docs`"


def test_the_table_is_as_the_library_makes_it() -> None:
    assert with_table(PAGE) == PAGE, "run `make docs`"


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no part between"):
        with_table("a page")


def test_the_number_of_attempts_is_the_pages() -> None:
    assert f"holds {len(attempts())} attempts" in PAGE
