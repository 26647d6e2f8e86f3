"""The clauses of a complaint in plain small words, without contractions, chat spellings and emoji."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import yaml

from negspace.avoid.matching import fold

_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*")
_CLAUSE_END = re.compile(
    r"[,;:()]+|\s+(?:that )?(?=(?:i|you|we) (?:can't|cannot|can not|can hardly|can barely|could not|"
    r"couldn't)\b)|\s+(?:but|although|though|yet|because|apart from|however|plus|while|then|"
    r"except(?: for)?)\s+"
    r"|\s+and\s+(?!white\b|again\b|over\b)|\s+-+\s+|\s*[–—]\s*"  # noqa: RUF001
)

_LIST = re.compile(r"\b((?:less|fewer|more|no) \w+) (?=(?:less|fewer|more|no) \w)")
_TURN = re.compile(r"\b(?:but|although|though|yet|apart from|however|except)\b")
_ASKED_FOR_ONE = re.compile(
    r"\b(?:asked for|ordered|wanted|requested|said|need|needed) (?:only |just )?(?:one|"
    r"a single) [^.]*?\b(?:and|but|,)? ?"
    r"(?:there (?:are|is)|(?:i )?(?:got|see|count)|(?:you|it|he|she) (?:gave|made|drew|has|"
    r"put)(?: me)?) (?:two|three|four|five|six|"
    r"several|many|multiple)\b.*"
)
_EXCEPTION = re.compile(
    r"\b(everything|all of it|all) (except(?: for)?|but|apart from|other than) (.+?) "
    r"((?:is|are|looks?|was) .+)$"
)


@lru_cache(maxsize=1)
def _rewrites() -> Sequence[tuple[re.Pattern[str], str]]:
    text = (resources.files("negspace.feedback") / "rewrites.yaml").read_text(encoding="utf-8")
    return tuple((re.compile(pattern), plain) for pattern, plain in yaml.safe_load(text))


class Clause(NamedTuple):
    """A part of a complaint that says one thing.

    Attributes:
        text: as it was written, in small letters.
        plain: its words, without contractions.
        asks: whether it is the last of a sentence that ends with a question mark.
        loud: whether its sentence ends with an exclamation mark.
        sentence: the plain words of its sentence.
        turned: whether it is set against the one before: "but", "except for".
        joined: whether it follows an "and".
        place: how many clauses of its sentence stand before it.
    """

    text: str
    plain: str
    asks: bool = False
    loud: bool = False
    sentence: str = ""
    turned: bool = False
    joined: bool = False
    place: int = 0


def clauses_of(complaint: str) -> Iterator[Clause]:
    """The clauses of a complaint in order."""
    folded, _ = fold(complaint)
    folded = _ASKED_FOR_ONE.sub("there are duplicates", folded)
    for sentence in _SENTENCE.findall(_LIST.sub(r"\1, ", _EXCEPTION.sub(r"\1 \4 except \3", folded))):
        end = sentence[len(sentence.rstrip(".!?\n ")) :]
        parts = [part.strip(" .!?\n\"'") for part in _CLAUSE_END.split(sentence)]
        ends = ["", *(between[0] for between in _CLAUSE_END.finditer(sentence))]
        kept = [(part, between) for part, between in zip(parts, ends, strict=True) if part]
        for number, (part, between) in enumerate(kept):
            asks = "?" in end and number == len(kept) - 1
            turned = _TURN.search(between) is not None or part.startswith(("just the ", "only the "))
            joined = re.search(r"\band\b", between) is not None
            yield Clause(
                part, plain_words(part), asks, "!" in end, plain_words(sentence), turned, joined, number
            )


def plain_words(text: str) -> str:
    """A folded text without contractions, chat spellings and signs."""
    for pattern, plain in _rewrites():
        text = pattern.sub(plain, text)
    return " ".join(word for piece in re.findall(r"[\w'&-]+", text) if (word := piece.strip("'")))
