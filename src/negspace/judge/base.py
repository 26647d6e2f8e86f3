"""Judge: looks at pictures and says which concepts are in them. One question, one `Sight`."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

from PIL import Image

from negspace.records import JudgeVerdict

Picture = Image.Image


class Judge(ABC):
    """Looks at pictures.

    Attributes:
        name: what receipts call it.
    """

    name: str

    @abstractmethod
    def knows(self, concept: str) -> bool:
        """Whether it can be asked for a concept, in any spelling or number."""

    @abstractmethod
    def concepts(self) -> tuple[str, ...]:
        """What it can name by itself. A judge of any words knows more than that."""

    @abstractmethod
    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        """For each picture one sight a concept, in the order of the concepts.

        What it does not know, or fails at, is the verdict "unknown" with its reason and never an error, so
        that a picture is not lost to a judge that is not there, and not passed by it either.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """What its answers depend on: sha256 of weights and thresholds, or an address."""


@final
class Panel(Judge):
    """Several judges as one: a concept goes to the first of them that knows it.

    Args:
        judges: in the order they are asked.
    """

    def __init__(self, judges: Sequence[Judge]) -> None:
        self.judges = tuple(judges)
        self.name = ", ".join(judge.name for judge in self.judges)

    def knows(self, concept: str) -> bool:
        return any(judge.knows(concept) for judge in self.judges)

    def concepts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for judge in self.judges for name in judge.concepts()))

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        seen: list[dict[int, JudgeVerdict]] = [{} for _ in pictures]
        for judge, asked in self._shared(concepts).items():
            answers = judge.look(pictures, [concepts[number] for number in asked])
            for found, answer in zip(seen, answers, strict=True):
                found.update(zip(asked, answer, strict=True))
        untold = {
            number: unknown(concept, self.name or "nobody", "no judge knows it")
            for number, concept in enumerate(concepts)
        }
        return [tuple((untold | found).values()) for found in seen]

    def fingerprint(self) -> str:
        return " ".join(judge.fingerprint() for judge in self.judges)

    def _shared(self, concepts: Sequence[str]) -> dict[Judge, list[int]]:
        shared: dict[Judge, list[int]] = {}
        for number, concept in enumerate(concepts):
            judge = next((judge for judge in self.judges if judge.knows(concept)), None)
            if judge is not None:
                shared.setdefault(judge, []).append(number)
        return shared


def unknown(concept: str, judge: str, why_not: str) -> JudgeVerdict:
    """The verdict of a judge that cannot tell."""
    return JudgeVerdict(concept=concept, judge=judge, verdict="unknown", why_not=why_not)
