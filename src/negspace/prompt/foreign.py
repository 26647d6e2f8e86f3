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

_NUMBER = r"[-+]?[.\d]+"


@dataclass(frozen=True)
class ForeignForm:
    """A form of syntax.

    Attributes:
        name: a short name, without spaces.
        pattern: a regular expression for it, without groups.
        example: a text in which it stands.
        home: where it comes from.
        meaning: what it means there.
    """

    name: str
    pattern: str
    example: str
    home: str
    meaning: str


FOREIGN_FORMS: Final = (
    ForeignForm(
        "weight",
        rf"(?:(?<!\\)\((?:[^()\\:]|\\.)*)?:\s*{_NUMBER}\s*\)",
        "(hat:1.3)",
        "a1111 and comfy",
        "a weight",
    ),
    ForeignForm(
        "schedule",
        rf"(?<!\\)\[(?:[^\[\]\\]|\\.)*:\s*{_NUMBER}\s*\]|(?<!\\)\[(?:[^\[\]\\]|\\.)*\|(?:[^\[\]\\]|\\.)*\]",
        "[red:blue:0.5]",
        "a1111",
        "a schedule",
    ),
    ForeignForm("square", r"(?<!\\)\[(?:[^\[\]\\]|\\.)+\]", "[hat]", "a1111", "a lower weight"),
    ForeignForm("break", r"\bBREAK\b", "red BREAK hat", "a1111", "the end of a window"),
    ForeignForm("and", r"\bAND(?:\s+NOT)?\b", "red AND hat", "a1111", "several prompts"),
    ForeignForm("tag", r"<\w+:[^<>]+>", "<lora:hat:0.8>", "a1111", "a LoRA or another network"),
    ForeignForm(
        "neutral-prompt",
        r"\bAND_[A-Z]+\b",
        "red AND_PERP hat",
        "an extension of AUTOMATIC1111",
        "several prompts",
    ),
    ForeignForm(
        "plus",
        r"(?<=[^\W\d][^\W\d])[+-](?=[\s,.;)]|$)|(?<=[\w)\"])(?:\+{2,}|-{2,})(?=[\s,.;)]|$)|(?<=[)\"])[+-](?=[\s,.;)]|$)",
        "hat++",
        "compel",
        "a weight",
    ),
    ForeignForm("number-behind", r"(?<!\\)[)\"]\d*\.?\d+(?![\w.])", "(hat)1.3", "compel", "a weight"),
    ForeignForm(
        "call",
        r"(?<=[\w)\"])\s*\.(?:swap|blend|and|add|attend)\s*\(",
        "hat.swap(cap)",
        "compel",
        "a function",
    ),
    ForeignForm("lora-call", r"\b(?:withLora|useLora)\s*\(", "withLora(hat, 0.5)", "compel", "a LoRA"),
    ForeignForm(
        "full-width",
        r"（[^（）]*）?|[）［］]|：\s*[-+]?[.\d]+\s*\)",
        "（hat：1.3）",
        "no program",
        "a weight",
    ),
    ForeignForm(
        "multi-prompt", r"(?<=\w)::\s*-?\d*\.?\d+(?![\d.]*\s*\])", "hat::2", "Midjourney", "a weight"
    ),
    ForeignForm("variants", r"\{[^{}]*\|[^{}]*\}", "{red|blue}", "Dynamic Prompts", "a random choice"),
    ForeignForm("wildcard", r"\b__[\w/-]+__\b", "__colour__", "Dynamic Prompts", "a line of a file"),
    ForeignForm(
        "step-range", r"<\w+\[[^\[\]<>]*\]:[^<>]*>", "<fromto[0.5]:red,blue>", "SwarmUI", "a schedule"
    ),
)
"""Every form that is known, the first that matches at a place counts."""

ALL_FORMS: Final = frozenset(form.name for form in FOREIGN_FORMS)
_SIGNS: Final = re.compile(r"[(\[{<:+)\"（）［］：_]|--|\w-(?!\w)|\.\w+\s*\(|\b(?:AND|BREAK)")


def foreign_findings(text: str, native: frozenset[str]) -> Iterator[Finding]:
    """A finding for each form in a text that is not among the `native` ones."""
    pattern = _pattern(native) if _SIGNS.search(text) else None
    if pattern is None:
        return
    for match in pattern.finditer(text):
        form = _BY_GROUP[str(match.lastgroup)]
        if match.group():
            message = (
                f"{match.group().strip()[:40]!r} is {form.meaning} in {form.home}; here it is read as text"
            )
            yield Finding("foreign-form", message, match.span())


_BY_GROUP: Final = {form.name.replace("-", "_"): form for form in FOREIGN_FORMS}


@lru_cache(maxsize=16)
def _pattern(native: frozenset[str]) -> re.Pattern[str] | None:
    groups = [f"(?P<{group}>{form.pattern})" for group, form in _BY_GROUP.items() if form.name not in native]
    return re.compile("|".join(groups)) if groups else None
