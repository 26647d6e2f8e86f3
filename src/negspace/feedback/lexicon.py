"""The lexicon: what people complain about, and the words for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, NamedTuple

import yaml

from negspace.avoid.matching import Index, phrase
from negspace.avoid.merging import AvoidList, Entry

ConceptKind = Literal["fault", "wanted", "part", "thing"]
Polarity = Literal["against", "for"]


@dataclass(frozen=True)
class Concept:
    """One thing that people complain about.

    Attributes:
        name: what it is called.
        term: what the negative says.
    """

    name: str
    term: str


@dataclass(frozen=True)
class Opinion:
    """What a clause says about a concept.

    Attributes:
        concept: about what.
        polarity: against it, or for it.
        strength: 1 is plain; "really" is more, "a bit" is less.
        by_degree: whether the clause is against too much of it, rather than against any of it.
        clause: the words that say so.
        read_by: who understood them so: "lexicon", "encoder: teapot is 0.91 like kettle", "chat model x".
        praise: whether it is for it by praise alone, so that it asks for nothing where it is not avoided.
    """

    concept: Concept
    polarity: Polarity
    strength: float
    by_degree: bool
    clause: str
    read_by: str = "lexicon"
    praise: bool = False


class LexiconWord(NamedTuple):
    """A word of the lexicon: of what, and how it names it."""

    concept: Concept
    kind: ConceptKind


class NamedConcept(NamedTuple):
    """A place in a clause where a concept is named.

    Attributes:
        words: the concepts that the place can mean.
        start, stop: first and one-past-last character.
    """

    words: tuple[LexiconWord, ...]
    start: int
    stop: int

    def of_kind(self, kind: ConceptKind) -> list[Concept]:
        """The concepts that are named in this way."""
        return [word.concept for word in self.words if word.kind == kind]


@lru_cache(maxsize=1)
def _rows() -> list[dict[str, Any]]:
    text = (resources.files("negspace.feedback") / "lexicon.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


@lru_cache(maxsize=1)
def _lexicon() -> Index[tuple[LexiconWord, ...]]:
    words: dict[tuple[str, ...], tuple[LexiconWord, ...]] = {}
    for row in _rows():
        concept = Concept(row["name"], row["term"])
        for kind in ("fault", "wanted", "part", "thing"):
            for text in row.get(kind, ()):
                words[phrase(text)] = (*words.get(phrase(text), ()), LexiconWord(concept, kind))
    return Index(words.items())


@lru_cache(maxsize=1)
def known_concepts() -> tuple[Concept, ...]:
    """The concepts of the lexicon, each once."""
    words = (word for entry in _lexicon().values.values() for word in entry)
    return tuple(dict.fromkeys(word.concept for word in words))


@lru_cache(maxsize=1)
def opposites() -> Mapping[str, Concept]:
    """By name, what there is too much of where there is too much of what a concept lacks."""
    named = {row["name"]: Concept(row["name"], row["term"]) for row in _rows()}
    return {row["name"]: named[row["opposite"]] for row in _rows() if "opposite" in row}


@lru_cache(maxsize=1)
def _things() -> frozenset[str]:
    return frozenset(row["name"] for row in _rows() if "thing" in row or row.get("object"))


def is_thing(concept: Concept) -> bool:
    """Whether a concept is an object that has many names, rather than a quality: a pigeon is a bird."""
    return concept.name in _things()


@lru_cache(maxsize=1)
def known_words() -> tuple[str, ...]:
    """The single words of the lexicon."""
    return tuple(words[0] for words in _lexicon().values if len(words) == 1)


def words_of(word: str) -> tuple[LexiconWord, ...]:
    """The entries of a word or a phrase; () for one that is not in the lexicon."""
    return _lexicon().values.get(phrase(word), ())


def entry_of(concept: Concept, avoid_list: AvoidList) -> Entry | None:
    """The entry of a list for a concept: by its term, its name, or another word for the same fault."""
    by_name = avoid_list.entry(concept.term) or avoid_list.entry(concept.name)
    if by_name is not None or is_thing(concept):
        return by_name
    names = ((entry, words_of(entry.avoid.term)) for entry in avoid_list.terms)
    return next(
        (entry for entry, words in names if any(word.concept.name == concept.name for word in words)), None
    )


def named_in(plain: str, avoided: Iterable[str] = ()) -> Sequence[NamedConcept]:
    """The concepts that a clause names, those only that no longer name covers, in order.

    Args:
        plain: the clause.
        avoided: terms of the current list, which are known as well.
    """
    own = [(phrase(term), (LexiconWord(Concept(term, term), "thing"),)) for term in avoided]
    known = _lexicon().values
    extra = Index((words, value) for words, value in own if words not in known)
    places = [
        NamedConcept(mention.what, mention.start, mention.stop)
        for index in (_lexicon(), extra)
        for mention in index.mentions(plain)
        if not plain[: mention.stop].endswith((" less", " more"))  # "colors less intense" is not colorless
    ]
    kept: list[NamedConcept] = []
    for named in sorted(places, key=lambda named: named.start - named.stop):
        if all(named.stop <= other.start or other.stop <= named.start for other in kept):
            kept.append(named)
    return sorted(kept, key=lambda named: named.start)
