"""What every dialect defines."""

from collections.abc import Callable
from dataclasses import dataclass

from negspace.prompt.reading import FindingCollector
from negspace.prompt.tree import Prompt


@dataclass(frozen=True)
class Dialect:
    """A grammar in which prompts are written.

    Attributes:
        name: its name in a request.
        parse: reads a text. It never fails: what it cannot read is text, with a finding.
        write: writes a prompt so that `parse` reads the same chunks; PromptError where it cannot.
        timed: whether a text may hold schedules and AND, which are read before `parse` reads the rest.
        native: the forms of `negspace.prompt.foreign` that it reads itself, by name. All others are findings.
    """

    name: str
    parse: Callable[[str, FindingCollector], Prompt]
    write: Callable[[Prompt], str]
    timed: bool = False
    native: frozenset[str] = frozenset()
