"""Prompts as text: dialects, schedules, composition, inline forms, and conversion between dialects.

All of it is pure Python, takes time linear in the length of the text, and does not use recursion.
"""

from negspace.prompt.composition import SubPrompt, compose
from negspace.prompt.conversion import convert
from negspace.prompt.dialect import Dialect
from negspace.prompt.foreign import FOREIGN_FORMS, ForeignForm
from negspace.prompt.inline import FORMS, Form, Inline, split_inline
from negspace.prompt.omission import running_text, without
from negspace.prompt.parsing import DIALECTS, parse, write
from negspace.prompt.schedules import Schedule, ScheduledText, schedule, scheduled_texts, schedules_of
from negspace.prompt.tree import Blend, Chunk, Conjunction, Lora, Passage, Prompt, Structure, Swap
from negspace.prompt.unfolding import ScheduledPrompt, unfold

__all__ = [
    "DIALECTS",
    "FOREIGN_FORMS",
    "FORMS",
    "Blend",
    "Schedule",
    "Chunk",
    "Conjunction",
    "Dialect",
    "ForeignForm",
    "Form",
    "Inline",
    "Lora",
    "ScheduledText",
    "SubPrompt",
    "Passage",
    "Prompt",
    "ScheduledPrompt",
    "Structure",
    "Swap",
    "schedules_of",
    "compose",
    "convert",
    "scheduled_texts",
    "parse",
    "running_text",
    "schedule",
    "split_inline",
    "unfold",
    "without",
    "write",
]
