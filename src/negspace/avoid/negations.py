"""Understands negations: "no people", "without hats" and "not blurry" are things to avoid.

A model that reads "no people" draws people. Only what leaves no doubt is understood: a whole piece between
commas that begins with a negation, or one that ends in "without ..." or "with no ...". A second negation, a
set phrase ("no smoking sign", "without a doubt") or a long clause is left as it is.
"""

import re
from typing import NamedTuple

_MOST_WORDS = 4
_NEGATION = (
    r"(?:with(?:out| no)|free of|no|not|never|avoid|exclude|(?:please )?(?:do not|don['’]?t)"
    r"(?: (?:want|draw|show|add|include|have|use))?)"
)
_ANY = r"(?:(?:any|a|an|the|some|more)\s+)?"
_NEGATES = re.compile(r"\b(?:no|without|free of|avoid|never|don|exclude)", re.IGNORECASE)
_WHOLE = re.compile(rf"(?P<negation>\s*{_NEGATION}\s+{_ANY}(?P<negated>\S.*?))\s*", re.IGNORECASE | re.DOTALL)
_END = re.compile(
    rf".*\S(?P<negation>\s+(?:without|with no|but no|but not|and no)\s+{_ANY}(?P<negated>\S.*?))\s*",
    re.IGNORECASE | re.DOTALL,
)
_SECOND_NEGATION = re.compile(
    r"\b(?:no|not|never|without|non|isn['’]?t|nothing|none|but|except|only)\b", re.IGNORECASE
)
_SET_PHRASES = re.compile(
    r"(?:no|without|not|never)\s+(?:smoking|parking|entry|trespassing|man['’]?s|longer|matter|one|way|"
    r"(?:a\s+)?doubt|equal|only|mercy|limits?|borders?\s+doctors|\d|ending|idea|exit|fear|name)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_LIST = re.compile(r"\s+(?:and|or|nor|&)\s+(?:(?:any|a|an|the|no)\s+)?|\s*/\s*", re.IGNORECASE)
_SYNTAX = re.compile(r"[()\[\]{}:|\\<>\"]")


class Negation(NamedTuple):
    """What a piece of text negates.

    Attributes:
        text: the negation as it was written.
        terms: what it means to avoid.
        start, stop: its place in the piece; what is left is wanted.
    """

    text: str
    terms: tuple[str, ...]
    start: int
    stop: int


def may_negate(text: str) -> bool:
    """Whether there can be a negation in a text at all: a quick test that most texts do not pass."""
    return _NEGATES.search(text) is not None


def negation_in(piece: str) -> Negation | None:
    """The negation in a piece of a prompt: all of it, or its end ("a cat without a hat").

    Args:
        piece: plain text between two commas, without syntax.
    """
    return _negation(piece, _WHOLE.fullmatch(piece) or _END.fullmatch(piece))


def whole_negation(piece: str) -> Negation | None:
    """The negation that a piece is as a whole. In a list of what to avoid, "X without Y" is one thing.

    Args:
        piece: plain text between two commas, without syntax.
    """
    return _negation(piece, _WHOLE.fullmatch(piece))


def _negation(piece: str, match: re.Match[str] | None) -> Negation | None:
    if match is None or _SYNTAX.search(piece):
        return None
    start = match.start("negation")
    text, negated = piece[start:].strip(), match["negated"]
    if _SECOND_NEGATION.search(negated) or _SET_PHRASES.fullmatch(text):
        return None
    terms = tuple(term for term in _LIST.split(negated) if term)
    if not terms or any(len(term.split()) > _MOST_WORDS for term in terms):
        return None
    return Negation(text, terms, start, len(piece))
