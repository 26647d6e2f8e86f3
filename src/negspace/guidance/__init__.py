"""Guidance rules: how the predictions for what is wanted and what is not become one. One rule a file."""

from negspace.guidance.base import Branch, ConditioningNoise, Patch, Rule, Space, Step, Wrapper, convert
from negspace.guidance.catalogue import RULES
from negspace.guidance.costs import evaluations
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.text import make, write

__all__ = [
    "RULES",
    "Branch",
    "Cfg",
    "ConditioningNoise",
    "Patch",
    "Rule",
    "Space",
    "Step",
    "Wrapper",
    "convert",
    "evaluations",
    "make",
    "write",
]
