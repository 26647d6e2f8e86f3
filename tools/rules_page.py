"""The reference of all rules, which is the part of docs/rules.md between the marks."""

from collections.abc import Iterator
from dataclasses import MISSING, fields
from inspect import getdoc
from typing import Any

from negspace.guidance.base import Rule, range_in_words, write
from negspace.guidance.catalogue import RULES
from negspace.ruletext import Call
from negspace.strength import Strength

BEGIN = "<!-- generated from the rules by `make docs`; do not edit -->"
END = "<!-- end of the generated part -->"


def section() -> str:
    """Every rule in Markdown: formula, paper, space, description, settings with defaults and ranges."""
    names = ", ".join(f"[`{name}`](#{name})" for name in sorted(RULES))
    return "\n".join(
        [f"All rules: {names}.", *(line for name in sorted(RULES) for line in _rule(RULES[name]))]
    )


def regenerated(page: str) -> str:
    """The page with a new part between the marks.

    Raises:
        ValueError: the marks are not there.
    """
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the page has no part between {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{section()}\n\n{END}{after}"


def _rule(rule: type[Rule[Any]]) -> Iterator[str]:
    _, body, meanings = _docstring(rule)
    yield from ("", f"### {rule.name}", "", "```text", rule.formula, "```", "", f"{rule.paper}.")
    defined = "the same in every space" if rule.space == "any" else f"defined in {rule.space}"
    yield f"Space: `{rule.space}`, {defined}."
    if body:
        yield from ("", body)
    yield from ("", "| setting | default | range | meaning |", "|---|---|---|---|")
    for field in fields(rule):  # type: ignore[arg-type]
        default = "" if field.default is MISSING else f"`{_shown(field.default)}`"
        if "meaning" in field.metadata:
            allowed = range_in_words(field.metadata["low"], field.metadata["high"]) or "any number"
            meaning = field.metadata["meaning"].replace("|", "\\|")
        else:
            allowed = next(text for kind, text in _KINDS.items() if isinstance(field.default, kind))
            meaning = meanings.get(field.name, "")
        yield f"| `{field.name}` | {default} | {allowed} | {meaning} |"


def _docstring(rule: type[Rule[Any]]) -> tuple[str, str, dict[str, str]]:
    """(first line, the text after it, the meaning of each attribute)."""
    first, _, rest = (getdoc(rule) or "").partition("\n")
    body, _, attributes = rest.partition("Attributes:\n")
    meanings: dict[str, str] = {}
    name = ""
    for line in attributes.partition("\n\n")[0].splitlines():
        if line.startswith("    ") and not line.startswith("     "):
            name, _, text = line.strip().partition(": ")
            meanings[name] = text
        elif name:
            meanings[name] += f" {line.strip()}"
    return first, body.strip(), {name: text.rstrip(".") for name, text in meanings.items()}


_KINDS: dict[type, str] = {Strength: "a strength", Rule: "a rule", str: "a text"}


def _shown(value: Any) -> str:
    if isinstance(value, Rule):
        return write(value)
    if isinstance(value, Strength):
        return str(Call(value.name, tuple(getattr(value, field.name) for field in fields(value))))  # type: ignore[arg-type]
    return repr(value) if isinstance(value, str) else f"{value:g}"
