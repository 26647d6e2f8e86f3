"""Reads complaints by rules and a lexicon: what a sentence is against, and what it wants to be allowed again.

A sentence is read clause by clause. In each, the words of the lexicon are found (the longest first), a cue
says whether the clause is against them or for them, and a clause without a cue of its own continues the one
before ("lose the hat and the scarf"). Praise changes nothing. A thing that the lexicon does not know is taken
from the form of the sentence: "remove the teapot", "too many teapots", "bring the teapot back".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal, NamedTuple

import yaml

from negspace.avoid.matching import Index, Mention, fold, key_of, phrase
from negspace.errors import RequestError

_MOST_CHARACTERS = 2_000

Kind = Literal["fault", "wanted", "part", "thing"]
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
    """

    concept: Concept
    polarity: Polarity
    strength: float
    by_degree: bool
    clause: str
    read_by: str = "lexicon"


class _Word(NamedTuple):
    concept: Concept
    kind: Kind


_Mention = Mention[tuple[_Word, ...]]


@lru_cache(maxsize=1)
def _lexicon() -> Index[tuple[_Word, ...]]:
    text = (resources.files("negspace.feedback") / "lexicon.yaml").read_text(encoding="utf-8")
    words: dict[tuple[str, ...], tuple[_Word, ...]] = {}
    for row in yaml.safe_load(text):
        concept = Concept(row["name"], row["term"])
        for kind in ("fault", "wanted", "part", "thing"):
            for text in row.get(kind, ()):
                words[phrase(text)] = (*words.get(phrase(text), ()), _Word(concept, kind))
    return Index(words.items())


@lru_cache(maxsize=1)
def known_concepts() -> tuple[Concept, ...]:
    """The concepts of the lexicon, each once."""
    words = (word for entry in _lexicon().values.values() for word in entry)
    return tuple(dict.fromkeys(word.concept for word in words))


_CLAUSE_END = re.compile(
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
_SURELY_FOR = re.compile(
    r"\b(?:do not|don['’]?t|would ?n['’]?t|never) mind\b|\bno problem\b|\bdo(?:n['’]?t| not) care\b"
    r"|\bwhy (?:did you|have you|was|were).*\b(?:remove|drop|delete)|\bback\b|\bcan stay\b|\bafter all\b"
    r"|\bnot a problem\b",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\b(?:love|nice|great|good|perfect|beautiful|cool|lovely|awesome|excellent|fantastic|like the)\b",
    re.IGNORECASE,
)
_OWN_WISH = re.compile(
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
"""Faults that belong to a part where one is named: a distorted face is about the face."""
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


def read_complaint(complaint: str) -> tuple[Opinion, ...]:
    """The opinions in a complaint, in order; of two on one concept the last counts.

    Args:
        complaint: a sentence or several, in English.

    Raises:
        RequestError: it is longer than 2,000 characters.
    """
    if len(complaint) > _MOST_CHARACTERS:
        raise RequestError(
            f"a complaint of {len(complaint):,} characters; {_MOST_CHARACTERS:,} are read at most"
        )
    opinions: dict[str, Opinion] = {}
    before = _Reading()
    for clause in _clauses(complaint):
        reading = _read(clause, before)
        opinions |= {opinion.concept.name: opinion for opinion in reading.opinions}
        before = _Reading((), reading.polarity or before.polarity, reading.about or before.about)
    return tuple(opinions.values())


def _clauses(complaint: str) -> Iterator[str]:
    text, _ = fold(complaint)
    for clause in _CLAUSE_END.split(text):
        if clause and clause.strip():
            yield clause.strip()


class _Reading(NamedTuple):
    """A clause as it is read.

    Attributes:
        opinions: what it says.
        polarity: what its own cues say; None where it has none.
        about: the concepts that it mentions.
    """

    opinions: Sequence[Opinion] = ()
    polarity: Polarity | None = None
    about: Sequence[Concept] = ()


def _read(clause: str, before: _Reading) -> _Reading:
    """One clause; `before` has the last polarity and the last concepts of the clauses before it."""
    if _OWN_WISH.search(clause):
        return _Reading()
    polarity = _polarity(clause)
    words = _longest(_lexicon().mentions(clause))
    concepts = _concepts(clause, words, polarity)
    if not concepts and not words:
        concepts = _unknown_thing(clause, polarity)
    if polarity is None and _PRAISE.search(clause) and not _FAULTY.search(clause):
        return _Reading(about=concepts or [word.concept for mention in words for word in mention.what])
    bare = before.polarity is not None and _VERB.search(clause) is None
    if not concepts and not words:
        if polarity is not None and _IT.search(clause):
            concepts = before.about
        elif polarity is None and bare and before.about:
            concepts = _bare_noun(clause)
    elif before.about and _LOOKS.match(clause) and all(concept.name in _GENERAL for concept in concepts):
        concepts = before.about
    if _has(words, "wanted") and not _has(words, "fault"):
        polarity, decided = None, "against"  # to want it sharper is to be against what is blurry
    else:
        decided = polarity or (before.polarity if bare else None) or "against"
    strength, by_degree = _strength(clause), _DEGREE.search(clause) is not None
    opinions = [Opinion(concept, decided, strength, by_degree, clause) for concept in concepts]
    return _Reading(opinions, polarity, concepts)


def _polarity(clause: str) -> Polarity | None:
    if _SURELY_FOR.search(clause):
        return "for"
    if _AGAINST.search(clause):
        return "against"
    return "for" if _FOR.search(clause) else None


def _longest(mentions: Sequence[_Mention]) -> list[_Mention]:
    """Mentions that no longer one covers, in order."""
    kept: list[_Mention] = []
    for mention in sorted(mentions, key=lambda mention: mention.start - mention.stop):
        if all(mention.stop <= other.start or other.stop <= mention.start for other in kept):
            kept.append(mention)
    return sorted(kept, key=lambda mention: mention.start)


def _has(words: Sequence[_Mention], kind: Kind) -> bool:
    return any(word.kind == kind for mention in words for word in mention.what)


def _concepts(clause: str, words: Sequence[_Mention], polarity: Polarity | None) -> Sequence[Concept]:
    """What the clause is about: a faulty part, else faults, else what is lacking, else the first thing."""
    by_kind: dict[Kind, list[Concept]] = {"fault": [], "wanted": [], "part": [], "thing": []}
    for mention in words:
        for word in mention.what:
            by_kind[word.kind].append(word.concept)
    faults = [concept for concept in by_kind["fault"] if concept.name not in _GENERAL]
    has_fault = by_kind["fault"] or _FAULTY.search(clause)
    if by_kind["part"] and has_fault and not faults and polarity != "for":
        return by_kind["part"][:1]
    if by_kind["fault"]:
        return [*dict.fromkeys(faults or by_kind["fault"])]
    if by_kind["wanted"] and (polarity is not None or _ASKS.search(clause)):
        return by_kind["wanted"][:1]
    if by_kind["thing"]:
        return by_kind["thing"][:1]
    return by_kind["part"][:1] if polarity == "against" else ()


def _unknown_thing(clause: str, polarity: Polarity | None) -> Sequence[Concept]:
    """A thing that the lexicon does not know, by the form of the sentence."""
    if polarity is None and not _FAULTY.search(clause) and not clause.startswith(("there", "why")):
        return ()
    nouns = (_noun(pattern.search(clause)) for pattern in (*_OBJECTS, _SUBJECT, _TOO))
    return next((noun for noun in nouns if noun), ())


def _bare_noun(clause: str) -> Sequence[Concept]:
    return _noun(re.fullmatch(_NOUN, clause.strip(), re.IGNORECASE))


def _noun(match: re.Match[str] | None) -> Sequence[Concept]:
    """The thing that a noun names, without pronouns and adverbs; () where nothing is left."""
    if match is None:
        return ()
    nouns = [
        word for word in match["noun"].split() if key_of(word) not in _NO_NOUNS and not word.endswith("ly")
    ]
    key = phrase(" ".join(nouns))
    return (Concept(" ".join(key), " ".join(nouns)),) if key else ()


def _strength(clause: str) -> float:
    if _SLIGHT.search(clause):
        return 0.75
    return 1.3 if _STRONG.search(clause) else 1.0
