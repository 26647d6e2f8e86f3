"""What is avoided while a complaint is read."""

from collections.abc import Iterable
from typing import final

from negspace.avoid.merging import AvoidList
from negspace.feedback.lexicon import Concept, entry_of, words_of
from negspace.feedback.targets import Target


@final
class Avoided:
    """Looks things up in a list of what is avoided.

    Args:
        avoid_list: the list.
    """

    def __init__(self, avoid_list: AvoidList) -> None:
        self._avoid_list = avoid_list
        self.terms = tuple(avoid.term for avoid in avoid_list.avoids)

    def has(self, concept: Concept) -> bool:
        """Whether a concept is avoided by its name, its term or a word for the same fault."""
        return entry_of(concept, self._avoid_list) is not None

    def has_any(self, targets: Iterable[Target]) -> bool:
        """Whether one of several is avoided."""
        return any(self.has(target.concept) for target in targets)

    def has_all(self, targets: Iterable[Target]) -> bool:
        """Whether all of several are avoided."""
        return all(self.has(target.concept) for target in targets)

    def knows_all(self, targets: Iterable[Target]) -> bool:
        """Whether something like each of several is avoided: "extra fingers" where hands are spoken of."""
        named = {word.concept.name for term in self.terms for word in words_of(term)}
        return all(target.concept.name in named or self.has(target.concept) for target in targets)
