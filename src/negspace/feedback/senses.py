"""What words mean by the clause that they are in."""

import re
from collections.abc import Sequence

from negspace.feedback import cues
from negspace.feedback.lexicon import Concept, NamedConcept, words_of
from negspace.feedback.stance import Stance, has_verb, is_request, stance_of
from negspace.feedback.targets import Target, bare_noun

_SEVERAL = re.compile(
    r"\b(?:there (?:is|are)|see|got|has|have|count|holding|wearing|carrying|with) (?P<several>two|three|"
    r"four|five|multiple|several) \w+"
)


def decided(named: NamedConcept, plain: str) -> NamedConcept:
    """A word that is a fault where it is reported, and a wish where it is targets for: "darker"."""
    if not (named.of_kind("fault") and named.of_kind("wanted")):
        return named
    asks = is_request(plain) or not (has_verb(plain) or cues.find("still", plain) or " than " in plain)
    dropped = "fault" if asks else "wanted"
    return named._replace(words=tuple(word for word in named.words if word.kind != dropped))


def counted(core: str, stance: Stance, targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """The targets, or a duplicate where there are several of a thing."""
    kinds = {target.kind for target in targets}
    several = _SEVERAL.search(core)
    if stance.manner != "presence" or not kinds or not kinds <= {"thing", "unknown"} or several is None:
        return targets
    name = words_of("duplicate")[0].concept.name
    return (Target(Concept(name, f"{several['several']} {targets[0].concept.term}"), "fault"),)


def wants_another(core: str) -> bool:
    """Whether a clause asks for another picture, and for nothing in it."""
    match = cues.find("again", core)
    if match is None or cues.find("negation", core) or cues.find_verb("want", "past", core):
        return False
    rest = core[: match.start()] + core[match.end() :]
    return not (stance_of(rest).sign and bare_noun(rest, ()))


def is_too_much(core: str, stance: Stance) -> bool:
    """Whether there is too much of what is mostly lacking: "turn down the contrast"."""
    cue = stance.cue
    if (
        stance.sign > 0
        or cue is None
        or re.search(r"\b(?:low|too little|weak|poor|not|lack\w*|few|enough)\b", core)
    ):
        return False
    return cue.name in ("remove", "reject", "offend", "excess") or "too " in core


def stance_beside(core: str, named: Sequence[NamedConcept]) -> Stance:
    """The stance of a clause, in which the words that name a fault are no cues."""
    faults = tuple(
        (word.start, word.stop)
        for word in named
        if word.of_kind("fault") or word.of_kind("wanted") or " " in core[word.start : word.stop]
    )
    return stance_of(core, faults)
