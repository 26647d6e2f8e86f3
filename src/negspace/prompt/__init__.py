"""Prompts as text: four dialects, schedules, composition, inline forms, and the way from one dialect to
another.

Pure Python; the time of everything here is linear in the text, and nothing recurses into it.
"""

from negspace.prompt.composition import SubPrompt, compose
from negspace.prompt.conversion import convert
from negspace.prompt.dialects import DIALECTS, Dialect, parse, write
from negspace.prompt.inline import FORMS, Form, Inline, split_inline
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
