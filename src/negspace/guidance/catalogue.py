"""The list of rules. Adding a rule is one file, one line here, and one case by hand."""

from typing import Any

from negspace.guidance.base import Rule
from negspace.guidance.cfg import Cfg

RULES: dict[str, type[Rule[Any]]] = {rule.name: rule for rule in (Cfg,)}
"""Every rule by name."""
