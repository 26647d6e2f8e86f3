"""Negations: "no people", "without hats", "not blurry", understood as what they mean.

A model that is told "no people" reads "people". Only what leaves no doubt is understood: a whole piece
between commas that begins with a negation, or one that ends in "without ..." or "with no ...". A second
negation, a saying ("no smoking sign", "without a doubt") or a long clause is left as it stands.
"""

import re
from typing import NamedTuple

_MOST_WORDS = 4
_NEGATION = (
    r"(?:with(?:out| no)|free of|no|not|never|avoid|exclude|(?:please )?(?:do not|don['’]?t)"
    r"(?: (?:want|draw|show|add|include|have|use))?)"
)
_ANY = r"(?:(?:any|a|an|the|some|more)\s+)?"
_WHOLE = re.compile(rf"\s*{_NEGATION}\s+{_ANY}(?P<rest>\S.*?)\s*", re.IGNORECASE | re.DOTALL)
_TAIL = re.compile(
    rf"(?P<wish>.*\S)(?P<cut>\s+(?:without|with no|but no|but not|and no)\s+{_ANY}(?P<rest>\S.*?))\s*",
    re.IGNORECASE | re.DOTALL,
)
_AGAIN = re.compile(r"\b(?:no|not|never|without|non|isn['’]?t|nothing|none|but|except|only)\b", re.IGNORECASE)
_SAYINGS = re.compile(
    r"(?:no|without|not|never)\s+(?:smoking|parking|entry|trespassing|man['’]?s|longer|matter|one|way|"
    r"(?:a\s+)?doubt|equal|only|mercy|limits?|borders?\s+doctors|\d|ending|idea|exit|fear|name)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_LIST = re.compile(r"\s+(?:and|or|nor|&)\s+(?:(?:any|a|an|the|no)\s+)?|\s*/\s*", re.IGNORECASE)
_SYNTAX = re.compile(r"[()\[\]{}:|\\<>\"]")


class Negation(NamedTuple):
    """What a piece of text says is not wanted.

    Attributes:
        said: the negation as it was written.
        terms: what it means to avoid.
        start, stop: which part of the piece says so; what is left is wished.
    """

    said: str
    terms: tuple[str, ...]
    start: int
    stop: int


def negation_in(piece: str, *, tail: bool) -> Negation | None:
    """The negation that a piece between commas says.

    Args:
        piece: plain text, without syntax.
        tail: whether "X without Y" counts as well; in a list of what to avoid it is one thing.
    """
    whole = _WHOLE.fullmatch(piece)
    match = whole or (_TAIL.fullmatch(piece) if tail else None)
    if match is None or _SYNTAX.search(piece):
        return None
    start = match.start("cut") if whole is None else 0
    said = piece[start:].strip()
    rest = match["rest"]
    if _AGAIN.search(rest) or _SAYINGS.fullmatch(said):
        return None
    terms = tuple(term for term in _LIST.split(rest) if term)
    if not terms or any(len(term.split()) > _MOST_WORDS for term in terms):
        return None
    return Negation(said, terms, start, len(piece))
