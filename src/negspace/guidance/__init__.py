"""Guidance rules: how the predictions for the prompt and for what is avoided become one. One rule a file."""

from negspace.guidance.base import Rule, Space, Step, Wrapper, convert, write
from negspace.guidance.branch import Branch, ConditioningNoise, Patch
from negspace.guidance.catalogue import RULES
from negspace.guidance.costs import evaluations
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.text import make

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
