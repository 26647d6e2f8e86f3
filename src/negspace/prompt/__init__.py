"""Prompts as text: dialects, schedules, composition, inline forms, and conversion between dialects.

All of it is pure Python, takes time linear in the length of the text, and does not use recursion.
"""

from negspace.prompt.composition import SubPrompt, compose
from negspace.prompt.conversion import convert
from negspace.prompt.dialect import Dialect
from negspace.prompt.inline import FORMS, Form, Inline, split_inline
from negspace.prompt.parsing import DIALECTS, parse, write
from negspace.prompt.schedules import Schedule, ScheduledText, changes, moments, schedule
from negspace.prompt.tree import Blend, Chunk, Conjunction, Lora, Passage, Prompt, Structure, Swap
from negspace.prompt.unfolding import Strand, unfold

__all__ = [
    "DIALECTS",
    "FORMS",
    "Blend",
    "Schedule",
    "Chunk",
    "Conjunction",
    "Dialect",
    "Form",
    "Inline",
    "Lora",
    "ScheduledText",
    "SubPrompt",
    "Passage",
    "Prompt",
    "Strand",
    "Structure",
    "Swap",
    "changes",
    "compose",
    "convert",
    "moments",
    "parse",
    "schedule",
    "split_inline",
    "unfold",
    "write",
]
