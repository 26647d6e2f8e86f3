"""A judge that sees whether a picture is dark."""

from collections.abc import Sequence
from typing import final

from PIL import ImageStat

from negspace.judge.base import Judge, Picture, refuse_text, unknown
from negspace.records import JudgeVerdict


@final
class Dark(Judge):
    """Sees "dark" where the mean brightness is under a quarter."""

    name = "dark"

    def knows(self, concept: str) -> bool:
        return concept.casefold() == "dark"

    def concepts(self) -> tuple[str, ...]:
        return ("dark",)

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        return [tuple(self._verdict(picture, concept) for concept in concepts) for picture in pictures]

    def fingerprint(self) -> str:
        return "dark 0.1"

    def _verdict(self, picture: Picture, concept: str) -> JudgeVerdict:
        if not self.knows(concept):
            return unknown(concept, self.name, "it looks for darkness alone")
        darkness = 1 - ImageStat.Stat(picture.convert("L")).mean[0] / 255
        verdict = "seen" if darkness > 0.75 else "absent"
        return JudgeVerdict(concept=concept, judge=self.name, verdict=verdict, score=darkness, threshold=0.75)


def open_dark(text: str) -> Judge:
    """The judge behind `--judge dark`."""
    refuse_text("dark", text)
    return Dark()
