"""Judges for tests, which answer as they are asked to."""

from collections.abc import Callable, Sequence

from PIL import Image

from negspace.judge import Judge
from negspace.records import JudgeVerdict, Verdict


class Answering(Judge):
    """Knows hats, and answers what a function says of a picture.

    Attributes:
        looks: pictures that it looked at so far.
    """

    name = "answering"

    def __init__(self, answer: Callable[[Image.Image], Verdict]) -> None:
        self.looks = 0
        self._answer = answer

    def knows(self, concept: str) -> bool:
        return concept == "hat"

    def concepts(self) -> tuple[str, ...]:
        return ("hat",)

    def look(
        self, pictures: Sequence[Image.Image], concepts: Sequence[str]
    ) -> list[tuple[JudgeVerdict, ...]]:
        self.looks += len(pictures)
        return [tuple(self._verdict(picture, concept) for concept in concepts) for picture in pictures]

    def fingerprint(self) -> str:
        return self.name

    def _verdict(self, picture: Image.Image, concept: str) -> JudgeVerdict:
        return JudgeVerdict(concept=concept, judge=self.name, verdict=self._answer(picture))
