"""docs/prompt.md says what is true: its tables and examples are read and tried."""

import re
from pathlib import Path

import pytest

from negspace import prompt
from negspace.errors import PromptError
from negspace.prompt.comparison import words_of

PAGE = (Path(__file__).parents[2] / "docs" / "prompt.md").read_text(encoding="utf-8")
DIALECTS = ("a1111", "comfy", "compel", "plain")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def told(text: str, dialect: str) -> list[tuple[str, float]]:
    return [(word, round(weight, 12)) for word, weight, _ in words_of(prompt.parse(text, dialect))]


@pytest.mark.parametrize("row", rows("One thing, four spellings"), ids=lambda row: row[0])
def test_one_thing_has_these_spellings(row: list[str]) -> None:
    spelled = {
        dialect: cell.strip("`") for dialect, cell in zip(DIALECTS, row[1:], strict=True) if cell != "-"
    }
    source, text = next(iter(spelled.items()))
    for dialect in DIALECTS:
        if dialect in spelled:
            assert told(spelled[dialect], dialect) == told(text, source)
            assert told(prompt.convert(text, source, dialect), dialect) == told(text, source)
        else:
            with pytest.raises(PromptError):
                prompt.convert(text, source, dialect)


@pytest.mark.parametrize("row", rows("One spelling, four readings"), ids=lambda row: row[0])
def test_one_spelling_has_these_readings(row: list[str]) -> None:
    text = row[0].strip("`")
    for dialect, cell in zip(DIALECTS, row[1:], strict=True):
        chunks = prompt.parse(text, dialect).chunks
        assert ", ".join(f"{chunk.text} {chunk.weight:.3g}" for chunk in chunks) == cell


def test_the_examples_give_what_their_comments_say() -> None:
    code = PAGE.split("```python\n", 1)[1].split("```", 1)[0]
    examples = re.findall(r"^(prompt\.\S.*?)\s+# (.*)$", code, re.MULTILINE)
    assert len(examples) == 6
    exact = [(call, said) for call, said in examples if said[0] in '("[']
    assert len(exact) == 3
    for call, said in exact:
        assert eval(call, {"prompt": prompt}) == eval(said)
    assert [part.factor for part in prompt.compose("a cat AND NOT a dog :0.5")] == [1.0, -0.5]
    assert prompt.split_inline("a house --no snow").avoid == "snow"


def test_every_finding_is_listed() -> None:
    listed = {re.findall(r"`([a-z-]+)`", row[0])[0] for row in rows("Findings")}
    source = Path(prompt.__file__).parent
    made = set()
    for file in source.rglob("*.py"):
        made |= set(re.findall(r'(?:warn|note|Finding)\(\s*"([a-z-]+)"', file.read_text(encoding="utf-8")))
    assert listed == made
