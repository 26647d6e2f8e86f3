"""Who reads a complaint: rules and the lexicon, also with a text encoder's similarities, or a chat model.

The chat model is in `negspace.feedback.chat`. Whatever a reader says, `negspace.feedback.revision` decides
what may change.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, final

from negspace.avoid.matching import Phrase, phrase
from negspace.avoid.merging import AvoidList
from negspace.feedback.lexicon import Concept, Opinion, known_concepts
from negspace.feedback.reading import read_complaint
from negspace.feedback.statements import ReadComplaint

Likeness = Callable[[str, Sequence[str]], Sequence[float]]
"""How alike a word is to each of several others, from -1 to 1, as `negspace.Model.likeness` returns it."""

ALIKE: Final = 0.98
"""A word that the lexicon does not know is taken for a known or avoided one from this likeness on."""


class ComplaintReader(ABC):
    """Understands complaints."""

    @abstractmethod
    def read(self, complaint: str, avoid_list: AvoidList) -> ReadComplaint:
        """What a complaint says.

        Args:
            complaint: plain words.
            avoid_list: what is avoided now.

        Raises:
            NegspaceError: it cannot be read.
        """


@final
class Lexicon(ComplaintReader):
    """Rules and a lexicon: the same words always mean the same.

    Args:
        likeness: finds what a word that is not in the lexicon is most like; None leaves the word as it is.
        least: two words are one from this likeness on. Synonyms are 0.998 alike to the embedded model, a
            thing and what always comes with it 0.96.
    """

    def __init__(self, likeness: Likeness | None = None, *, least: float = ALIKE) -> None:
        self._likeness = likeness
        self._least = least

    def read(self, complaint: str, avoid_list: AvoidList) -> ReadComplaint:
        read = read_complaint(complaint, avoid_list)
        if self._likeness is None:
            return read
        concepts = {phrase(concept.name): concept for concept in known_concepts()}
        concepts |= {phrase(avoid.term): Concept(avoid.term, avoid.term) for avoid in avoid_list.avoids}
        known = [_recognized(opinion, concepts, self._likeness, self._least) for opinion in read.opinions]
        return replace(read, opinions=tuple(known))


def _recognized(
    opinion: Opinion, concepts: Mapping[Phrase, Concept], likeness: Likeness, least: float
) -> Opinion:
    """The opinion on the concept that its own, if it is not among them, is most like."""
    if phrase(opinion.concept.name) in concepts:
        return opinion
    term, candidates = opinion.concept.term, list(concepts.values())
    likenesses = likeness(term, [candidate.term for candidate in candidates])
    highest, best = max(zip(likenesses, candidates, strict=True), key=lambda pair: pair[0])
    if highest < least:
        return opinion
    return replace(opinion, concept=best, read_by=f"encoder: {term} is {highest:.2f} like {best.term}")
