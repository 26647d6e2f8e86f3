"""Forms of prompt syntax that mean something in one dialect or program and are plain words in the others.

A dialect names the forms that it reads itself (`Dialect.native`). Where a text has any other form, a finding
names it with its place: what looks like syntax and is not carried out never passes without a word.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from negspace.findings import Finding
from negspace.prompt.reading import NEARLY_A_NUMBER


@dataclass(frozen=True)
class ForeignForm:
    """A form of syntax.

    Attributes:
        name: a short name, without spaces.
        pattern: a regular expression for it, without groups.
        example: a text in which it stands.
        meaning: what it means, and where.
    """

    name: str
    pattern: str
    example: str
    meaning: str


_TEXT = r"(?:[^\[\]\\]|\\.)"
_OPEN = r"(?<!\\)\["
_WORD_END = r"(?=[\s,.;)]|$)"

FOREIGN_FORMS: Final = (
    ForeignForm(
        "weight",
        rf"(?:(?<!\\)\((?:[^()\\:]|\\.)*)?:\s*{NEARLY_A_NUMBER}\s*\)",
        "(hat:1.3)",
        "a weight in a1111 and comfy",
    ),
    ForeignForm(
        "schedule",
        rf"{_OPEN}{_TEXT}*:\s*{NEARLY_A_NUMBER}\s*\]|{_OPEN}{_TEXT}*\|{_TEXT}*\]",
        "[red:blue:0.5]",
        "a schedule in a1111",
    ),
    ForeignForm("square", rf"{_OPEN}{_TEXT}+\]", "[hat]", "a lower weight in a1111"),
    ForeignForm("break", r"\bBREAK\b", "red BREAK hat", "the end of a window in a1111"),
    ForeignForm("and", r"\bAND(?:\s+NOT)?\b", "red AND hat", "a second prompt in a1111"),
    ForeignForm("tag", r"<\w+:[^<>]+>", "<lora:hat:0.8>", "a LoRA or the like in a1111"),
    ForeignForm(
        "neutral-prompt",
        r"\bAND_[A-Z]+\b",
        "red AND_PERP hat",
        "a second prompt in an AUTOMATIC1111 extension",
    ),
    ForeignForm(
        "plus",
        rf"(?:(?<=[^\W\d][^\W\d])[+-]|(?<=[\w)\"])(?:\+{{2,}}|-{{2,}})|(?<=[)\"])[+-]){_WORD_END}",
        "hat++",
        "a weight in compel",
    ),
    ForeignForm("number-behind", r"(?<!\\)[)\"]\d*\.?\d+(?![\w.])", "(hat)1.3", "a weight in compel"),
    ForeignForm(
        "call",
        r"(?<=[\w)\"])\s*\.(?:swap|blend|and|add|attend)\s*\(",
        "hat.swap(cap)",
        "a function in compel",
    ),
    ForeignForm("lora-call", r"\b(?:withLora|useLora)\s*\(", "withLora(hat, 0.5)", "a LoRA in compel"),
    ForeignForm(
        "full-width",
        rf"（[^（）]*）?|[）［］]|：\s*{NEARLY_A_NUMBER}\s*\)",
        "（hat：1.3）",
        "no syntax, only half-width brackets and colons are",
    ),
    ForeignForm(
        "option",
        r"(?<!\S)(?:--(?=[^\W\d_])|[–—―](?=no\b))\w[\w-]*",
        "red --no hat",
        "an option in Midjourney (inline forms read --no)",
    ),
    ForeignForm(
        "hashes", r"###", "red ### hat", "the negative's start in the AI Horde (inline forms read it)"
    ),
    ForeignForm(
        "multi-prompt",
        r"(?<=\w)::\s*-?\d*\.?\d+(?![\d.]*\s*\])",
        "hat::2",
        "a weight in Midjourney",
    ),
    ForeignForm("variants", r"\{[^{}]*\|[^{}]*\}", "{red|blue}", "a random choice in Dynamic Prompts"),
    ForeignForm("wildcard", r"\b__[\w/-]+__\b", "__colour__", "a line of a file in Dynamic Prompts"),
    ForeignForm(
        "step-range", r"<\w+\[[^\[\]<>]*\]:[^<>]*>", "<fromto[0.5]:red,blue>", "a schedule in SwarmUI"
    ),
)
"""Every form that is known, the first that matches at a place counts."""

ALL_FORMS: Final = frozenset(form.name for form in FOREIGN_FORMS)
_SIGNS: Final = re.compile(r"[()\[\]{}<>:\"（）［］：+\-–—―#_.]|AND|BREAK")


def foreign_findings(text: str, native: frozenset[str]) -> Iterator[Finding]:
    """A finding for each form in a text that is not among the `native` ones."""
    pattern = _pattern(native) if _SIGNS.search(text) else None
    if pattern is None:
        return
    for match in pattern.finditer(text):
        form = _BY_GROUP[str(match.lastgroup)]
        message = f"{match.group().strip()[:40]!r} is {form.meaning}; here it is read as text"
        yield Finding("foreign-form", message, match.span())


_BY_GROUP: Final = {form.name.replace("-", "_"): form for form in FOREIGN_FORMS}


@lru_cache(maxsize=16)
def _pattern(native: frozenset[str]) -> re.Pattern[str] | None:
    groups = [f"(?P<{group}>{form.pattern})" for group, form in _BY_GROUP.items() if form.name not in native]
    return re.compile("|".join(groups)) if groups else None
