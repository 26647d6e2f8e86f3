"""What a clause is about: a word of the lexicon, or a noun where the deciding phrase wants one."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from negspace.avoid.matching import phrase
from negspace.feedback import cues
from negspace.feedback.lexicon import Concept, ConceptKind, NamedConcept
from negspace.feedback.nouns import Noun, nouns_of
from negspace.feedback.stance import Stance

_GENERAL = frozenset({"distorted", "scary", "artificial", "tilted"})
"""Faults that belong to a part where one is named: a distorted face is about the face."""

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
        return [Target(concept, kind) for named in self.named for concept in named.of_kind(kind)]


def targets_of(plain: str, stance: Stance, named: Sequence[NamedConcept]) -> list[Target]:
    """The targets of a clause, all of one kind."""
    items = _items(plain, stance, named)
    cue = stance.cue
    if cue is not None and cue.name not in ("good", "bad", "excess", "still"):
        if cue.name in ("exist", "see") and (faults := _main_faults(items)):
            return faults
        governed = _governed(items, stance)
        if governed is not None and not governed.is_main and governed.of_kind("part"):
            return []  # "the thing on his head"
        if governed is not None and plain[cue.start : cue.stop] == "not" and _is_adjective(governed):
            return []
        return (
            [] if governed is None else _of_item(governed, whole=cue.name not in ("exist", "see", "negation"))
        )
    for group in ([item for item in items if item.is_main], [item for item in items if not item.is_main]):
        if targets := _of_group(group, stance):
            return [_described(target, plain, stance) for target in targets]
    return []


def _described(target: Target, plain: str, stance: Stance) -> Target:
    """A thing that is there as it should not be: of a wheel that is broken, broken wheels are avoided."""
    cue = stance.cue
    if target.kind != "unknown" or stance.sign >= 0 or cue is None:
        return target
    words = plain[cue.start :].split()
    excessive = cue.name == "excess" or words[0] == "too"
    word = (words[1:2] or [""])[0] if excessive else plain[cue.start : cue.stop]
    named = set(phrase(word)) & set(phrase(target.concept.name))
    if named or not word.isalpha() or not (excessive or cues.find("quality", word)):
        return target
    return Target(Concept(target.concept.name, f"{word} {target.concept.term}"), "unknown")


def is_general(targets: Sequence[Target]) -> bool:
    """Whether these are faults that belong to whatever was spoken of."""
    return all(target.concept.name in _GENERAL for target in targets)


def bare_noun(plain: str, named: Sequence[NamedConcept]) -> list[Target]:
    """The target of a clause that is a noun and no more; [] for any other."""
    items = _items(plain, Stance(), named)
    return _of_item(items[0]) if items and items[0].is_main else []


def _is_adjective(item: _Item) -> bool:
    """Whether a word that the lexicon does not have is likely no noun: "not happy"."""
    return not item.named and item.noun is not None and not item.noun.has_article


def _main_faults(items: Sequence[_Item]) -> list[Target]:
    faults = (fault for item in items if item.is_main for fault in item.of_kind("fault"))
    return [*dict.fromkeys(fault for fault in faults if fault.concept.name not in _GENERAL)]


def _items(plain: str, stance: Stance, named: Sequence[NamedConcept]) -> list[_Item]:
    spans = [(word.start, word.stop) for word in named]
    hidden = [span for span in stance.hidden if not any(a < span[1] and span[0] < b for a, b in spans)]
    nouns = [noun for noun in nouns_of(plain, hidden) if not noun.viewer]
    viewers = [noun for noun in nouns_of(plain, hidden) if noun.viewer]
    usable = [word for word in named if not any(noun.touches(word.start, word.stop) for noun in viewers)]
    items: list[_Item] = []
    for noun in nouns:
        inside = tuple(word for word in usable if noun.touches(word.start, word.stop))
        if inside or not noun.is_generic:
            items.append(_Item(noun.start, noun.stop, noun, inside))
    taken = {word for item in items for word in item.named}
    items += (_Item(word.start, word.stop, None, (word,)) for word in usable if word not in taken)
    return sorted(items, key=lambda item: item.start)


def _governed(items: Sequence[_Item], stance: Stance) -> _Item | None:
    """The item that the deciding phrase is about."""
    cue = stance.cue
    assert cue is not None
    after = [item for item in items if item.start > cue.start]
    before = [item for item in items if item.start < cue.start and item.is_main]
    before += (item for item in items if item.start < cue.start and not item.is_main)
    adjacent = [item for item in after if item.start == cue.stop + 1]
    if cue.name == "bad" and adjacent:  # "a weird halo"
        return adjacent[0]
    if cue.name in _GOVERNS_SUBJECT:
        return next(iter(before + after), None)
    near = [item for item in after if item.is_main] or ([] if before else after)
    return next(iter(near + before + after), None)


def _of_item(item: _Item, *, whole: bool = True) -> list[Target]:
    """The targets of one noun: its last word where the lexicon has it, else all of its words, or, where it is
    only said to be there, the fault in it."""
    noun = item.noun
    if not whole and (faults := item.of_kind("fault")):
        return faults[:1]
    if item.named and (noun is None or noun.is_generic or item.named[-1].stop >= noun.stop):
        last = item.named[-1] if noun is not None and not noun.is_generic else item.named[0]
        for kind in _KINDS:
            if targets := [Target(concept, kind) for concept in last.of_kind(kind)]:
                return targets
    return [] if noun is None else unknown(noun.words)


def unknown(words: Sequence[str]) -> list[Target]:
    """A noun that the lexicon does not have."""
    key = phrase(" ".join(words))
    return [Target(Concept(" ".join(key), " ".join(words)), "unknown")] if key else []


def _of_group(items: Sequence[_Item], stance: Stance) -> list[Target]:
    """Faults first, then parts, what is lacking, things, and nouns that the lexicon does not have."""
    faults = [target for item in items for target in item.of_kind("fault")]
    parts = [target for item in items for target in item.of_kind("part")]
    surely = [fault for fault in faults if fault.concept.name not in _GENERAL]
    if parts and not surely and (faults or stance.sign):
        return parts[:1]
    wanted = [target for item in items for target in item.of_kind("wanted")]
    if wanted and stance.manner == "request":  # "make it darker" is no complaint of the dark
        return wanted[:1]
    if faults:
        return [*dict.fromkeys(surely or faults)]
    if wanted:
        return wanted[:1]
    if things := [item for item in items if item.of_kind("thing")]:
        too = [
            item
            for item in things
            if stance.cue and stance.cue.name == "excess" and item.start > stance.cue.start
        ]
        if too:  # grass that is too green
            return too[0].of_kind("thing")[:1]
        # of things the one that the judgement is about
        governed = _governed(items, stance) if stance.cue else None
        if governed is None or governed in things:
            return (governed or things[0]).of_kind("thing")[:1]
    if stance.sign and stance.cue is not None and (governed := _governed(items, stance)):
        return _of_item(governed)
    return []
