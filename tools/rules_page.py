"""The rules as a page: what stands between the marks of docs/rules.md."""

from collections.abc import Iterator
from dataclasses import MISSING, fields
from inspect import getdoc
from typing import Any

from negspace.guidance.base import Rule, range_in_words, write
from negspace.guidance.catalogue import RULES
from negspace.ruletext import Call
from negspace.strength import Strength

BEGIN = "<!-- made from the catalogue by `make docs`; do not edit -->"
END = "<!-- end of what is made -->"


def section() -> str:
    """Every rule in Markdown: formula, paper, space, what it costs, settings with defaults and ranges."""
    names = ", ".join(f"[`{name}`](#{name})" for name in sorted(RULES))
    return "\n".join(
        [f"All rules: {names}.", *(line for name in sorted(RULES) for line in _rule(RULES[name]))]
    )


def made(page: str) -> str:
    """The page with the part between the marks made anew.

    Raises:
        ValueError: the marks are not there.
    """
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the page has no part between {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{section()}\n\n{END}{after}"


def _rule(rule: type[Rule[Any]]) -> Iterator[str]:
    _, body, told = _docstring(rule)
    yield from ("", f"### {rule.name}", "", "```text", rule.formula, "```", "", f"{rule.paper}.")
    home = "the same in every space" if rule.space == "any" else f"defined in {rule.space}"
    yield f"Space: `{rule.space}`, {home}."
    if body:
        yield from ("", body)
    yield from ("", "| setting | default | range | meaning |", "|---|---|---|---|")
    for one in fields(rule):  # type: ignore[arg-type]
        default = "" if one.default is MISSING else f"`{_shown(one.default)}`"
        if "meaning" in one.metadata:
            allowed = range_in_words(one.metadata["low"], one.metadata["high"]) or "any number"
            meaning = one.metadata["meaning"].replace("|", "\\|")
            yield f"| `{one.name}` | {default} | {allowed} | {meaning} |"
        else:
            kind = next(told for held, told in _KINDS.items() if isinstance(one.default, held))
            yield f"| `{one.name}` | {default} | {kind} | {told.get(one.name, '')} |"


def _docstring(rule: type[Rule[Any]]) -> tuple[str, str, dict[str, str]]:
    """(first line, what follows it, what is said of each attribute)."""
    first, _, rest = (getdoc(rule) or "").partition("\n")
    body, _, attributes = rest.partition("Attributes:\n")
    told: dict[str, str] = {}
    name = ""
    for line in attributes.partition("\n\n")[0].splitlines():
        if line.startswith("    ") and not line.startswith("     "):
            name, _, text = line.strip().partition(": ")
            told[name] = text
        elif name:
            told[name] += f" {line.strip()}"
    return first, body.strip(), {name: text.rstrip(".") for name, text in told.items()}


_KINDS: dict[type, str] = {Strength: "a strength", Rule: "a rule", str: "a text"}


def _shown(value: Any) -> str:
    if isinstance(value, Rule):
        return write(value)
    if isinstance(value, Strength):
        return str(Call(value.name, tuple(getattr(value, one.name) for one in fields(value))))  # type: ignore[arg-type]
    return repr(value) if isinstance(value, str) else f"{value:g}"
