"""Readers: who understands a complaint. By rules alone; by rules and a text encoder's similarities; or a
chat model (`negspace.feedback.chat`). Whatever a reader says, `negspace.feedback.revision` decides what may
change."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

from negspace.avoid.matching import phrase
from negspace.avoid.merging import AvoidList
from negspace.feedback.lexicon import Concept, Opinion, known_concepts, opinions

Likeness = Callable[[str, Sequence[str]], Sequence[float]]
"""How alike a word is to each of several: from -1 to 1, as `negspace.Model.likeness` gives it."""

ALIKE: Final = 0.98
"""From this likeness on a word that the lexicon does not know is taken for one that it knows, or that is
avoided.
"""


@dataclass(frozen=True)
class Heard:
    """One opinion, and who understood it.

    Attributes:
        opinion: what was said.
        by: "lexicon", "encoder: teapot is 0.91 like kettle", "chat model x".
    """

    opinion: Opinion
    by: str


class ComplaintReader(ABC):
    """Understands complaints."""

    @abstractmethod
    def read(self, complaint: str, several: AvoidList) -> tuple[Heard, ...]:
        """What a complaint says, in order.

        Args:
            complaint: plain words.
            several: what is avoided now.

        Raises:
            NegspaceError: it cannot be read.
        """


@final
class Lexicon(ComplaintReader):
    """Rules and a lexicon: the same words always mean the same.

    Args:
        likeness: finds what a word that is not in the lexicon is most like; None leaves it as it was said.
        least: from this likeness on two words are one. Synonyms are 0.998 alike to the embedded model, a
        thing and
            what always comes with it 0.96.
    """

    def __init__(self, likeness: Likeness | None = None, *, least: float = ALIKE) -> None:
        self._likeness = likeness
        self._least = least

    def read(self, complaint: str, several: AvoidList) -> tuple[Heard, ...]:
        return tuple(self._heard(opinion, several) for opinion in opinions(complaint))

    def _heard(self, opinion: Opinion, several: AvoidList) -> Heard:
        known = {phrase(one.name): one for one in known_concepts()}
        avoided = {phrase(one.term): Concept(one.term, one.term) for one in several.avoids}
        candidates = list({**known, **avoided}.values())
        key = phrase(opinion.concept.name)
        if self._likeness is None or key in known or key in avoided or not candidates:
            return Heard(opinion, "lexicon")
        said = opinion.concept.term
        likes = self._likeness(said, [one.term for one in candidates])
        like, best = max(zip(likes, candidates, strict=True), key=lambda pair: pair[0])
        if like < self._least:
            return Heard(opinion, "lexicon")
        return Heard(replace(opinion, concept=best), f"encoder: {said} is {like:.2f} like {best.term}")
