"""Findings: what a user should know about a request, in plain words, with the place in the text."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["prompt", "avoid"]
Level = Literal["note", "warning"]


@dataclass(frozen=True)
class Finding:
    """Something that was noticed before or during a run.

    Attributes:
        code: a short stable name for programs, for example "inert-scale" or "unknown-word".
        text: the same in plain words, one line.
        span: first and one-past-last character in the text of `side`, if it concerns a place in it.
        side: whether it concerns the prompt or what is to be avoided; None where it concerns neither alone.
        level: "warning" where the result will probably differ from what was intended, else "note".
    """

    code: str
    text: str
    span: tuple[int, int] | None = None
    side: Side | None = None
    level: Level = "warning"

    def __str__(self) -> str:
        return self.text
