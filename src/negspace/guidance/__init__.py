"""Guidance rules: how the predictions for what is wanted and what is not become one. One rule a file."""

from typing import Any

from negspace.errors import RequestError
from negspace.guidance.base import Branch, Patch, Rule, Space, Step, convert
from negspace.guidance.cfg import Cfg
from negspace.names import no_such

__all__ = ["RULES", "Branch", "Cfg", "Patch", "Rule", "Space", "Step", "convert", "make"]

RULES: dict[str, type[Rule[Any]]] = {rule.name: rule for rule in (Cfg,)}
"""Every rule by name."""


def make(name: str, **settings: object) -> Rule[Any]:
    """The rule of this name with these settings.

    Raises:
        RequestError: there is no such rule, or it has no such setting.
    """
    if name not in RULES:
        raise RequestError(no_such("rule", name, RULES))
    try:
        return RULES[name](**settings)
    except TypeError as error:
        raise RequestError(f"rule {name}: {error}") from None
