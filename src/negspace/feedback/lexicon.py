"""Complaints: what a sentence about a picture is against, and what it asks to be allowed again.

A sentence is read clause by clause. In each, the words of the lexicon are found (the longest first), a cue
says whether the clause is against them or for them, and a clause without a cue of its own goes on as the one
before ("lose the hat and the scarf"). Praise changes nothing. A thing that the lexicon does not know is taken
from the sentence's own form: "remove the teapot", "too many teapots", "bring the teapot back".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal, NamedTuple

import yaml

from negspace.avoid.matching import Index, Mention, fold, key_of, phrase
from negspace.errors import RequestError

_LONGEST = 2_000

Kind = Literal["fault", "wanted", "part", "thing"]
Polarity = Literal["against", "for"]


@dataclass(frozen=True)
class Concept:
    """One thing that people complain about.

    Attributes:
        name: what it is called.
        term: what a model is told.
    """

    name: str
    term: str


@dataclass(frozen=True)
class Opinion:
    """What a clause says about a concept.

    Attributes:
        concept: about what.
        polarity: against it, or for it.
        strength: 1 is plain; above it stands "really", below "a bit".
        by_degree: whether there is too much of it, rather than that it is there at all.
        said: the clause.
    """

    concept: Concept
    polarity: Polarity
    strength: float
    by_degree: bool
    said: str


class _Word(NamedTuple):
    concept: Concept
    kind: Kind


@lru_cache(maxsize=1)
def _lexicon() -> Index[tuple[_Word, ...]]:
    text = (resources.files("negspace.feedback") / "lexicon.yaml").read_text(encoding="utf-8")
    words: dict[tuple[str, ...], tuple[_Word, ...]] = {}
    for row in yaml.safe_load(text):
        concept = Concept(row["name"], row["term"])
        for kind in ("fault", "wanted", "part", "thing"):
            for said in row.get(kind, ()):
                words[phrase(said)] = (*words.get(phrase(said), ()), _Word(concept, kind))
    return Index(words.items())


@lru_cache(maxsize=1)
def known_concepts() -> tuple[Concept, ...]:
    """What the lexicon knows, each once."""
    words = (word for several in _lexicon().values.values() for word in several)
    return tuple(dict.fromkeys(word.concept for word in words))


_END = re.compile(
    r"[.,;:!?\n]+|\s+(?:but|although|though|yet|because|except(?: for)?|apart from|however|plus|while)\s+"
    r"|\s+and\s+(?!white\b)|\s+-+\s+",
    re.IGNORECASE,
)
_FOR = re.compile(
    r"\bbring\b.*\bback\b|\b(?:put|give|get|have|want|add)\b.*\bback\b(?! a)|\bback in\b"
    r"|\b(?:can|could|may|should|is allowed to|are allowed to) (?:stay|remain|be there|come back|return)\b"
    r"|\b(?:is|are|was|were|would be|['’]s|it['’]s) (?:all |totally |perfectly |quite |actually )?"
    r"(?:fine|ok|okay|alright|all right|allowed|no problem|acceptable|welcome|better|good with me)\b"
    r"|\b(?:do not|don['’]?t|would ?n['’]?t|never) mind\b|\bno problem\b|\bdo(?:n['’]?t| not) care\b"
    r"|\bkeep\b|\brestore\b|\ballow\b|\breturn\b|\badd\b|\binclude\b|\bleave\b.*\b(?:in|alone|there)\b"
    r"|\b(?:miss|missed)\b|\b(?:actually |really )?(?:liked|loved)\b|\bi do (?:want|like)\b|\bafter all\b"
    r"|\bcan (?:be|have|use|show|draw)\b|\blet (?:it|them|there) be\b|\ballowed\b|\bwhere(?:['’]s| did| is)\b"
    r"|\bwhy (?:did you|have you|was|were|is|are).*\b(?:remove|removed|gone|drop|dropped|delete|deleted)\b"
    r"|\b(?:i )?(?:want|need|would like|['’]d like)\b.*\b(?:again|there|with)\b|\bok(?:ay)? (?:if|with|to)\b"
    r"|\bfine (?:if|with|by)\b|\bmore\b|\bagain please\b|\bgo(?:ne)? missing\b",
    re.IGNORECASE,
)
_AGAINST = re.compile(
    r"\b(?:remove|drop|lose|delete|erase|kill|ditch|skip|avoid|omit|cut|stop|exclude|hide|eliminate|clear)\b"
    r"|\bget\b.*\b(?:rid|out)\b|\btake\b.*\b(?:off|out|away)\b|\b(?:no|not|without|never|nothing|less|fewer)\b"
    r"|\btoo\b|\b(?:did|do|does|should|would|could|can|is|are|was|has|have)(?:n['’]?t| not)\b|\bwithout\b"
    r"|\bhate\b|\bdislike\b|\bannoying\b|\bhas to go\b|\bmust go\b|\bstill\b|\brather not\b|\bforgot\b"
    r"|\ba bit much\b|\bso (?:many|much)\b|\bdistract|\bugly\b|\btone\b.*\bdown\b|\bcan we\b|\bshould go\b",
    re.IGNORECASE,
)
_SURE = re.compile(
    r"\b(?:do not|don['’]?t|would ?n['’]?t|never) mind\b|\bno problem\b|\bdo(?:n['’]?t| not) care\b"
    r"|\bwhy (?:did you|have you|was|were).*\b(?:remove|drop|delete)|\bback\b|\bcan stay\b|\bafter all\b"
    r"|\bnot a problem\b",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\b(?:love|nice|great|good|perfect|beautiful|cool|lovely|awesome|excellent|fantastic|like the)\b",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"\b(?:i|we) (?:wanted|asked for|ordered|expected|said)\b(?!.*\b(?:no|not|only|one)\b)", re.IGNORECASE
)
_FAULTY = re.compile(
    r"\b(?:odd|weird|wrong|off|strange|mess|bad|terrible|awful|horrible|ugly|broken|distorted|deformed|uneven|"
    r"melted|twisted|creep\w*|funny|claw|mangled|missing|extra|different directions|fused|bent|mutated|fix|"
    r"poor|disaster|botched|crossed|asymmetric\w*|what['’]?s (?:up|wrong|going on)|what happened|too \w+|"
    r"looks? (?:like|as)|not right|unnatural|gross|disgusting|harsh|smooth|scary|low|ridiculous|crooked)\b",
    re.IGNORECASE,
)
_STRONG = re.compile(
    r"\b(?:way|really|very|extremely|super|so|still|even|again|another|terrible|horrible|awful|totally|far|"
    r"much too|definitely|hate|completely)\b|!",
    re.IGNORECASE,
)
_SLIGHT = re.compile(
    r"\b(?:a bit|a little|slightly|kind of|kinda|sort of|somewhat|a touch|a tad|bit|some)\b", re.IGNORECASE
)
_DEGREE = re.compile(
    r"\b(?:too|less|fewer|so|more|reduce|tone|bit|slightly|kind of|kinda|darker|brighter|\w+er|a lot)\b",
    re.IGNORECASE,
)
_IT = re.compile(r"\b(?:it|them|that|those|him|her|this)\b", re.IGNORECASE)
_VERB = re.compile(
    r"\b(?:is|are|was|were|looks?|looked|has|have|had|can|could|should|would|may|need|needs|seems?|did|does|do)\b"
    r"|['’]s\b",
    re.IGNORECASE,
)
_GENERAL = frozenset({"distorted", "scary"})
"""Faults that a part makes its own: a distorted face is a matter of the face."""
_ASKS = re.compile(r"\b(?:make|want|need|could|please|\w+er)\b", re.IGNORECASE)
_LOOKS = re.compile(r"(?:it |they |also )?looks?\b", re.IGNORECASE)
_DETERMINER = (
    r"(?:(?:the|a|an|any|some|his|her|its|their|my|that|those|these|all|of|other|more|such|this)\s+)*"
)
_STOP = (
    r"(?=\s+(?:on|in|at|from|of|off|out|away|behind|coming|with|by|for|to|again|please|back|is|are|was|were|has|"
    r"have|looks?|can|could|should|go|went|gone|as|that|who|which|there|after|anymore|standing|here|near|under|"
    r"over|across|around|though|either|would|needs?|must|may|entirely|altogether|completely)\b|\s*$)"
)
_NOUN = rf"{_DETERMINER}(?P<noun>[a-z][\w'’-]*(?:\s+[a-z][\w'’-]*){{0,2}}?){_STOP}"
_OBJECTS = tuple(
    re.compile(pattern + _NOUN, re.IGNORECASE)
    for pattern in (
        r"\b(?:remove|drop|lose|delete|erase|kill|ditch|skip|avoid|omit|cut|exclude|hide|eliminate|hate)\s+",
        r"\b(?:get rid of|take (?:off|out|away)|take)\s+",
        r"\b(?:bring back|bring|give me back|put back|put|add|keep|miss|allow|restore)\s+",
        r"\b(?:without|no|less|fewer|too many|too much|so many|so much|more|not a fan of|sick of)\s+",
        r"\b(?:stop (?:putting|adding|drawing)|ask(?:ed)? for|not have|n['’]t wear)\s+",
        r"\b(?:do(?:n['’]t| not) (?:want|like|need))\s+",
        r"\b(?:don['’]?t mind|liked|loved|(?:i|we) (?:do )?want|where did|where is)\s+",
        r"\b(?:can (?:have|use|show|draw))\s+",
    )
)
_SUBJECT = re.compile(
    rf"^\s*(?:(?:and|so|well|ok|why (?:is|are)|actually|now)\s+)*(?:there(?:['’]s| is| are)\s+)?{_DETERMINER}"
    r"(?P<noun>[a-z][\w'’-]*(?:\s+[a-z][\w'’-]*)?)\s+(?:on\s.*|in\s.*|over\s.*)?"
    r"(?:is|are|was|were|looks?|looked|can|could|should|has|have|may|needs?|would|went|seems?|isn['’]t|aren['’]t)\b",
    re.IGNORECASE,
)
_TOO = re.compile(r"\b(?:too|so|less)\s+(?P<noun>[a-z][\w-]{2,})\s*$", re.IGNORECASE)
_NO_NOUNS = frozenset(
    "it this that they them these those everything something anything nothing all picture image photo result "
    "one thing lot bit way i you we he she him her stuff much many what there whole rest again back please "
    "some more else me us fan kind version color problem doubt need why how who here only just "
    "thanks thank sorry ok okay yes ugh hmm hey wow come on anyway instead".split()
)


def opinions(complaint: str) -> tuple[Opinion, ...]:
    """What a complaint says, in order; of two opinions on one concept the last counts.

    Args:
        complaint: a sentence or several, in English.

    Raises:
        RequestError: it is longer than 2,000 characters.
    """
    if len(complaint) > _LONGEST:
        raise RequestError(f"a complaint of {len(complaint):,} characters; {_LONGEST:,} are read at most")
    found: dict[str, Opinion] = {}
    before: Polarity | None = None
    last: list[Concept] = []
    for clause in _clauses(complaint):
        told, polarity, mentioned = _read(clause, before, last)
        for opinion in told:
            found[opinion.concept.name] = opinion
        before, last = polarity or before, mentioned or last
    return tuple(found.values())


def _clauses(complaint: str) -> Iterator[str]:
    text, _ = fold(complaint)
    for clause in _END.split(text):
        if clause and clause.strip():
            yield clause.strip()


def _read(
    clause: str, before: Polarity | None, last: list[Concept]
) -> tuple[list[Opinion], Polarity | None, list[Concept]]:
    """The opinions of one clause, its own polarity, and what it mentions."""
    if _WISH.search(clause):
        return [], None, []
    polarity = _polarity(clause)
    words = _longest(_lexicon().mentions(clause))
    concepts = _concepts(clause, words, polarity)
    if not concepts and not words:
        concepts = _open(clause, polarity)
    if polarity is None and _PRAISE.search(clause) and not _FAULTY.search(clause):
        return [], None, concepts or [word.concept for mention in words for word in mention.what]
    bare = before is not None and _VERB.search(clause) is None
    if not concepts and not words:
        if polarity is not None and _IT.search(clause):
            concepts = last
        elif polarity is None and bare and last:
            concepts = _bare(clause)
    elif last and _LOOKS.match(clause) and all(concept.name in _GENERAL for concept in concepts):
        concepts = last
    if any(word.kind == "wanted" for mention in words for word in mention.what) and not _is_fault(words):
        polarity, settled = None, "against"  # to want it sharper is to be against what is blurry
    else:
        settled = polarity or (before if bare and before is not None else "against")
    strength, by_degree = _strength(clause), _DEGREE.search(clause) is not None
    told = [Opinion(concept, settled, strength, by_degree, clause) for concept in concepts]
    return told, polarity, concepts


def _polarity(clause: str) -> Polarity | None:
    """What the clause's own cues say; None where it has none."""
    if _SURE.search(clause):
        return "for"
    if _AGAINST.search(clause):
        return "against"
    return "for" if _FOR.search(clause) else None


def _longest(mentions: list[Mention[tuple[_Word, ...]]]) -> list[Mention[tuple[_Word, ...]]]:
    """Mentions that no longer one covers, in order."""
    kept: list[Mention[tuple[_Word, ...]]] = []
    for mention in sorted(mentions, key=lambda one: one.start - one.stop):
        if all(mention.stop <= one.start or one.stop <= mention.start for one in kept):
            kept.append(mention)
    return sorted(kept, key=lambda one: one.start)


def _is_fault(words: list[Mention[tuple[_Word, ...]]]) -> bool:
    return any(word.kind == "fault" for mention in words for word in mention.what)


def _concepts(
    clause: str, words: list[Mention[tuple[_Word, ...]]], polarity: Polarity | None
) -> list[Concept]:
    """What the clause is about: a part beside a fault, else faults, else what lacks, else the first thing."""
    by_kind: dict[Kind, list[Concept]] = {"fault": [], "wanted": [], "part": [], "thing": []}
    for mention in words:
        for word in mention.what:
            by_kind[word.kind].append(word.concept)
    faults = [concept for concept in by_kind["fault"] if concept.name not in _GENERAL]
    if (
        by_kind["part"]
        and not faults
        and (polarity != "for")
        and (by_kind["fault"] or _FAULTY.search(clause))
    ):
        return by_kind["part"][:1]
    if by_kind["fault"]:
        return [*dict.fromkeys(faults or by_kind["fault"])]
    if by_kind["wanted"] and (polarity is not None or _ASKS.search(clause)):
        return by_kind["wanted"][:1]
    if by_kind["thing"]:
        return by_kind["thing"][:1]
    if by_kind["part"] and polarity == "against":
        return by_kind["part"][:1]
    return []


def _open(clause: str, polarity: Polarity | None) -> list[Concept]:
    """A thing that the lexicon does not know, by the form of the sentence."""
    if polarity is None and not _FAULTY.search(clause) and not clause.startswith(("there", "why")):
        return []
    for pattern in (*_OBJECTS, _SUBJECT, _TOO):
        match = pattern.search(clause)
        if match is not None:
            noun = _named(match["noun"])
            if noun is not None:
                return [noun]
    return []


def _named(noun: str) -> Concept | None:
    said = [word for word in noun.split() if key_of(word) not in _NO_NOUNS and not word.endswith("ly")]
    key = phrase(" ".join(said))
    return Concept(" ".join(key), " ".join(said)) if key else None


def _bare(clause: str) -> list[Concept]:
    match = re.fullmatch(_NOUN, clause.strip(), re.IGNORECASE)
    noun = None if match is None else _named(match["noun"])
    return [] if noun is None else [noun]


def _strength(clause: str) -> float:
    if _SLIGHT.search(clause):
        return 0.75
    return 1.3 if _STRONG.search(clause) else 1.0
