"""What a clause is about: a word of the lexicon, or a noun where the deciding phrase wants one."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from negspace.avoid.matching import key_of, phrase
from negspace.feedback import cues
from negspace.feedback.lexicon import Concept, ConceptKind, NamedConcept, is_thing, named_in
from negspace.feedback.nouns import Noun, is_generic, is_judging, nouns_of
from negspace.feedback.stance import Stance
from negspace.feedback.tags import is_adjective, is_noun

_GENERAL = frozenset({"distorted", "scary", "artificial", "tilted"})
"""Faults that belong to a part where one is named: a distorted face is about the face."""

_BORNE = _GENERAL - {"tilted"} | {"oversaturated", "low quality", "dirt", "old", "plastic skin"}
"""Faults that a thing can have, rather than the picture."""

_GOVERNS_SUBJECT = frozenset({"offend", "good", "bad", "gone", "excess", "still"})
_KINDS: tuple[ConceptKind, ...] = ("fault", "part", "wanted", "thing")


class Target(NamedTuple):
    """What a clause is about, and how it names it; "unknown" is no word of the lexicon."""

    concept: Concept
    kind: ConceptKind | Literal["unknown"]


class _Item(NamedTuple):
    """A noun with the lexicon's words in it, or such words alone."""

    start: int
    stop: int
    noun: Noun | None
    named: tuple[NamedConcept, ...]

    @property
    def is_main(self) -> bool:
        """Whether it is a subject or an object, rather than a place."""
        return self.noun is None or self.noun.preposition in (
            "",
            "of",
            "with",
            "without",
            "about",
            "like",
            "for",
        )

    def of_kind(self, kind: ConceptKind) -> list[Target]:
        return [target for named in self.named for target in self.of_word(named, kind)]

    @property
    def is_described(self) -> bool:
        """Whether the lexicon has only what kind of thing it is: a black silhouette."""
        noun = self.noun
        return noun is not None and self.named[-1].stop < noun.stop and not is_generic(noun.words[-1])

    @property
    def is_compound(self) -> bool:
        """Whether a part is another's: cat ears."""
        words = () if self.noun is None else self.noun.words
        return (
            len(words) == 2
            and len(self.named) == 1
            and bool(self.named[0].of_kind("part"))
            and self.named[0].start > self.start
            and not is_judging(words[0])
            and is_noun(words[0])
        )

    @property
    def faults(self) -> list[Target]:
        """The faults it names; of several in one noun the last: a cheap cartoon is a cartoon."""
        named = [word for word in self.named if word.of_kind("fault")]
        return [target for word in named[-1:] for target in self.of_word(word, "fault")]

    def of_word(self, named: NamedConcept, kind: ConceptKind) -> list[Target]:
        """What a word of the lexicon means here: of a thing the term is what it was called."""
        noun = self.noun
        concepts = named.of_kind(kind)
        if noun is not None and named.stop >= noun.stop:
            concepts = [_as_said(concept, noun) if is_thing(concept) else concept for concept in concepts]
        return [Target(concept, kind) for concept in concepts]


def targets_of(plain: str, stance: Stance, named: Sequence[NamedConcept]) -> list[Target]:
    """The targets of a clause, all of one kind."""
    items = _items(plain, stance, named)
    cue = stance.cue
    if cue is not None and cue.name not in ("good", "bad", "excess", "still"):
        if cue.name in ("exist", "see") and (faults := _main_faults(items)):
            return faults
        governed = _governed(plain, items, stance)
        if governed is not None and not governed.is_main and governed.of_kind("part"):
            return []  # "the thing on his head"
        if governed is not None and plain[cue.start : cue.stop] == "not" and _is_adjective(governed):
            return []
        return (
            [] if governed is None else _of_item(governed, whole=cue.name not in ("exist", "see", "negation"))
        )
    for group in ([item for item in items if item.is_main], [item for item in items if not item.is_main]):
        if targets := _of_group(plain, group, stance):
            return [_described(target, plain, stance) for target in targets]
    return []


def _described(target: Target, plain: str, stance: Stance) -> Target:
    """A thing that is there as it should not be: of a wheel that is broken, broken wheels are avoided."""
    cue = stance.cue
    if stance.sign >= 0 or cue is None or (target.kind != "unknown" and target.concept.name != "people"):
        return target
    words = plain[cue.start :].split()
    excessive = cue.name == "excess" or words[0] == "too"
    word = (words[1:2] or [""])[0] if excessive else plain[cue.start : cue.stop]
    if target.kind != "unknown":  # not people, but what they are too much
        return unknown([word])[0] if excessive and word.isalpha() and word not in ("many", "much") else target
    if excessive and is_adjective(word) and not is_measure(word) and not is_judging(word):
        return Target(Concept(key_of(word), f"{word} {target.concept.term}"), "unknown")
    named = set(phrase(word)) & set(phrase(target.concept.name))
    if named or not word.isalpha() or not (excessive or cues.find("quality", word)):
        return target
    return Target(Concept(target.concept.name, f"{word} {target.concept.term}"), "unknown")


_MEASURE = re.compile(
    r"strong|heavy|intense|long|short|thick|thin|wide|narrow|small|big|large|high|low|tall|loud|"
    r"prominent|obvious|visible|far|near|close|"
    r"dense|deep|sharp|hard|soft|harsh|distracting|much|many|few"
)


def is_measure(word: str) -> bool:
    """Whether an adjective says how much of itself a thing is, so that the thing is meant: "too thick"."""
    return _MEASURE.fullmatch(word) is not None


def _as_said(concept: Concept, noun: Noun) -> Concept:
    naming = [word for word in noun.words if not is_judging(word)] or noun.words
    return Concept(concept.name, " ".join(naming))


def is_general(targets: Sequence[Target]) -> bool:
    """Whether these are faults that belong to whatever was spoken of."""
    return all(target.concept.name in _GENERAL for target in targets)


def bare_noun(plain: str, named: Sequence[NamedConcept]) -> list[Target]:
    """The target of a clause that is a noun and no more; [] for any other."""
    items = _items(plain, Stance(), named)
    return _of_item(items[0]) if items and items[0].is_main else []


_OTHERS = frozenset("i you we they he she it there who what".split())


def subject_of(plain: str) -> list[Target]:
    """The thing in the picture of which a statement speaks that does not say how: "wires cross the sky"."""
    words = plain.split()
    items = _items(plain, Stance(), named_in(plain))
    if len(words) < 3 or not items or words[0] in _OTHERS or not items[0].is_main:
        return []
    return _of_item(items[0]) if items[0].start <= len(words[0]) + 1 else []


def _is_adjective(item: _Item) -> bool:
    """Whether a word that the lexicon does not have is likely no noun: "not happy"."""
    return not item.named and item.noun is not None and not item.noun.has_article


def _main_faults(items: Sequence[_Item]) -> list[Target]:
    faults = (fault for item in items if item.is_main for fault in item.of_kind("fault"))
    return [*dict.fromkeys(fault for fault in faults if fault.concept.name not in _GENERAL)]


def _items(plain: str, stance: Stance, named: Sequence[NamedConcept]) -> list[_Item]:
    spans = [(word.start, word.stop) for word in named]
    there = [span for span in cues.find_all_phrases("exist", plain) if plain.startswith("there ", span[0])]
    hidden = [
        span for span in (*stance.hidden, *there) if not any(a < span[1] and span[0] < b for a, b in spans)
    ]
    nouns = [noun for noun in nouns_of(plain, hidden) if not noun.viewer]
    viewers = [noun for noun in nouns_of(plain, hidden) if noun.viewer]
    usable = [
        word
        for word in named
        if word.of_kind("thing") or not any(noun.touches(word.start, word.stop) for noun in viewers)
    ]
    items: list[_Item] = []
    for noun in nouns:
        inside = tuple(word for word in usable if noun.touches(word.start, word.stop))
        if inside or not noun.is_generic:
            items.append(_Item(noun.start, noun.stop, noun, inside))
    taken = {word for item in items for word in item.named}
    items += (_Item(word.start, word.stop, None, (word,)) for word in usable if word not in taken)
    return sorted(items, key=lambda item: item.start)


def _governed(plain: str, items: Sequence[_Item], stance: Stance) -> _Item | None:
    """The item that the deciding phrase is about."""
    cue = stance.cue
    assert cue is not None
    after = [item for item in items if item.start > cue.start]
    before = [item for item in items if item.start < cue.start and item.is_main]
    before += (item for item in items if item.start < cue.start and not item.is_main)
    adjacent = [item for item in after if item.start == cue.stop + 1]
    if cue.name == "bad" and adjacent:  # "a weird halo"
        return adjacent[0]
    if cue.name == "offend" and re.match(r"(?:it|they)\b", plain):
        return None
    if cue.name in _GOVERNS_SUBJECT:
        return next(iter(before + after), None)
    if (
        before
        and re.search(r" (?:much|many|strong)$", plain[: cue.stop])
        and re.match(r" (?:for|in|on|at|to|with)\b|$", plain[cue.stop :])
    ):
        return before[0]  # "the blood is too much for a party"
    near = [item for item in after if item.is_main] or ([] if before else after)
    return next(iter(near + before + after), None)


def _of_item(item: _Item, *, whole: bool = True) -> list[Target]:
    """The targets of one noun: its last word where the lexicon has it, else all of its words, or, where it is
    only said to be there, the fault in it."""
    noun = item.noun
    if not whole and (faults := item.of_kind("fault")):
        return faults[:1]
    if item.is_compound:
        return unknown(noun.words) if noun else []
    if item.named and (noun is None or noun.is_generic or item.named[-1].stop >= noun.stop):
        last = item.named[-1] if noun is not None and not noun.is_generic else item.named[0]
        for kind in _KINDS:
            if targets := item.of_word(last, kind):
                return targets
    return [] if noun is None else unknown(noun.words)


def unknown(words: Sequence[str]) -> list[Target]:
    """A noun that the lexicon does not have: the concept is its last word, or, of "the yellow filter", what
    kind of filter it is; the term all of its words."""
    naming = [word for word in words if not is_judging(word)] or list(words)
    named = [word for word in naming if not is_generic(word)] or naming
    key = phrase(named[-1])
    return [Target(Concept(" ".join(key), " ".join(naming)), "unknown")] if key else []


def _of_thing(plain: str, fault: Target, items: Sequence[_Item]) -> Target:
    """A fault that a thing has: of a smile that seems fake, the fake smile is avoided."""
    bearers = [
        item for item in items if item.noun is not None and not item.named and not item.noun.is_generic
    ]
    places = [
        word
        for item in items
        for word in item.named
        if fault.concept.name in {c.name for c in word.of_kind("fault")}
    ]
    if fault.concept.name not in _BORNE or len(bearers) != 1 or not places:
        return fault
    word = plain[places[0].start : places[0].stop].removeprefix("too ").removeprefix("so ")
    bearer = unknown(bearers[0].noun.words)[0].concept.term if bearers[0].noun else ""
    return Target(Concept(fault.concept.name, f"{word} {bearer}"), "fault")


def _of_group(plain: str, items: Sequence[_Item], stance: Stance) -> list[Target]:
    """Faults first, then parts, what is lacking, things, and nouns that the lexicon does not have."""
    faults = [target for item in items for target in item.faults]
    parts = [target for item in items for target in item.of_kind("part")]
    surely = [fault for fault in faults if fault.concept.name not in _GENERAL]
    if parts and not surely and (faults or stance.sign):
        return parts[:1]
    wanted = [target for item in items for target in item.of_kind("wanted")]
    if wanted and stance.manner == "request":  # "make it darker" is no complaint of the dark
        return wanted[:1]
    if faults:
        return [_of_thing(plain, fault, items) for fault in dict.fromkeys(surely or faults)]
    if wanted:
        return wanted[:1]
    if things := [item for item in items if item.of_kind("thing")]:
        if stance.sign and len(items) == 1 and things[0].is_described:
            return _of_item(things[0])
        too = [
            item
            for item in things
            if stance.cue and stance.cue.name == "excess" and item.start > stance.cue.start
        ]
        if too:  # grass that is too green
            return too[0].of_kind("thing")[:1]
        # of things the one that the judgement is about
        governed = _governed(plain, items, stance) if stance.cue else None
        if governed is None or governed in things:
            return (governed or things[0]).of_kind("thing")[:1]
    if stance.sign and stance.cue is not None and (governed := _governed(plain, items, stance)):
        return _of_item(governed)
    return []
