"""What a judge is: it looks at pictures and gives one `JudgeVerdict` a concept."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import final

from PIL import Image

from negspace.errors import JudgeError
from negspace.records import JudgeVerdict

Picture = Image.Image


class Judge(ABC):
    """Looks at pictures.

    Attributes:
        name: its name in receipts.
    """

    name: str

    @abstractmethod
    def knows(self, concept: str) -> bool:
        """Whether it can look for a concept, in any spelling or number."""

    @abstractmethod
    def concepts(self) -> tuple[str, ...]:
        """The concepts it can list. A judge that reads any words knows more than these."""

    @abstractmethod
    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        """For each picture one verdict a concept, in the order of the concepts.

        A concept that it does not know, or a failure, gives the verdict "unknown" with a reason and never an
        error. So no picture is lost because a judge is missing, and none passes for that reason either.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """What its verdicts depend on: sha256 of weights and thresholds, or an address."""


JudgeOpener = Callable[[str], Judge]
"""Opens a judge from the text after its name: "" for `quality`, "x" for `mine:x`, "@file" for `quality@file`.

It raises JudgeError where the text names no judge. See `negspace.judge.opening`.
"""


@final
class Panel(Judge):
    """Several judges as one: a concept goes to the first of them that knows it.

    Args:
        judges: in that order.
    """

    def __init__(self, judges: Sequence[Judge]) -> None:
        self.judges = tuple(judges)
        self.name = ", ".join(judge.name for judge in self.judges)

    def knows(self, concept: str) -> bool:
        return any(judge.knows(concept) for judge in self.judges)

    def concepts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for judge in self.judges for name in judge.concepts()))

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        blank = {
            index: unknown(concept, self.name or "nobody", "no judge knows it")
            for index, concept in enumerate(concepts)
        }
        by_picture = [dict(blank) for _ in pictures]
        for judge, indices in self._assigned(concepts).items():
            rows = judge.look(pictures, [concepts[index] for index in indices])
            for verdicts, row in zip(by_picture, rows, strict=True):
                verdicts.update(zip(indices, row, strict=True))
        return [tuple(verdicts.values()) for verdicts in by_picture]

    def fingerprint(self) -> str:
        return " ".join(judge.fingerprint() for judge in self.judges)

    def _assigned(self, concepts: Sequence[str]) -> dict[Judge, list[int]]:
        """The indices of the concepts that each judge looks for."""
        assigned: dict[Judge, list[int]] = {}
        for index, concept in enumerate(concepts):
            judge = next((judge for judge in self.judges if judge.knows(concept)), None)
            if judge is not None:
                assigned.setdefault(judge, []).append(index)
        return assigned


def unknown(concept: str, judge: str, why_not: str) -> JudgeVerdict:
    """The verdict of a judge that cannot decide."""
    return JudgeVerdict(concept=concept, judge=judge, verdict="unknown", why_not=why_not)


def refuse_text(name: str, text: str) -> None:
    """For openers of judges that take no text after their name.

    Raises:
        JudgeError: there is one.
    """
    if text:
        raise JudgeError(f"the judge {name} takes no text after its name, not {text!r}")
