"""Finding: one thing worth telling the user, in plain words, with the place it was found at."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["prompt", "avoid"]
Level = Literal["note", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing that was noticed before or during a run.

    Attributes:
        code: a short stable name for programs, for example "inert-scale" or "unknown-word".
        text: the same in plain words, one line.
        span: first and one-past-last character in the text of `side`, where the finding has a place.
        side: whether it concerns the prompt or what is to be avoided; None where it concerns neither alone.
        level: "warning" where the result will differ from what was probably meant, else "note".
    """

    code: str
    text: str
    span: tuple[int, int] | None = None
    side: Side | None = None
    level: Level = "warning"

    def __str__(self) -> str:
        return self.text
