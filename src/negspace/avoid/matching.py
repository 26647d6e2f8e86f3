"""Matching: when two texts say the same word, and where a phrase is mentioned. Whole words, never substrings.

A word is folded before it is compared: case, accents, width, invisible characters and look-alike letters of
other scripts make no difference (Unicode's NFKD, and a table of look-alikes of our own). Then spelling
variants and plurals are brought to one form. `disguises` goes further, for terms that must not be talked
past: digits that stand for letters, letters spelled one by one, letters said several times.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Generic, NamedTuple, TypeVar

from negspace.avoid.lookalikes import DIGITS, LOOKALIKES

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SIGNS = re.compile(r"[\w@$!|€+]+")
_ARTICLES = frozenset({"a", "an", "the"})
_LONGEST_SPELLING = 40
_MATHEMATICAL = (0x1D400, 0x1D6A4)
"""Thirteen alphabets in capitals and small letters, 26 after 26."""

_SPELLINGS = {
    "colour": "color",
    "coloured": "colored",
    "discoloured": "discolored",
    "grey": "gray",
    "greyscale": "grayscale",
    "centre": "center",
    "centred": "centered",
    "artefact": "artifact",
    "aeroplane": "airplane",
    "moustache": "mustache",
    "jewellery": "jewelry",
    "tyre": "tire",
    "mould": "mold",
    "plough": "plow",
    "armour": "armor",
    "jpg": "jpeg",
}
_PLURALS = {
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "teeth": "tooth",
    "mice": "mouse",
    "geese": "goose",
    "knives": "knife",
    "wolves": "wolf",
    "leaves": "leaf",
    "scarves": "scarf",
    "halves": "half",
    "shelves": "shelf",
    "dwarves": "dwarf",
    "elves": "elf",
    "moustaches": "mustache",
}
_NO_PLURALS = frozenset(
    "glasses sunglasses eyeglasses clothes scissors pants jeans shorts trousers series species lens always "
    "news gas bus canvas chaos iris atlas bias christmas texas arts physics mathematics".split()
)


class Word(NamedTuple):
    """A word of a text: its key for comparison and its place.

    Attributes:
        key: folded, in one spelling, in the singular.
        start, stop: first and one-past-last character.
        disguised: whether only folding made it a plain word.
    """

    key: str
    start: int
    stop: int
    disguised: bool = False


Phrase = tuple[str, ...]
"""The keys of a term's words, without articles."""

Found = TypeVar("Found")


def fold(text: str) -> tuple[str, Sequence[int]]:
    """A text in plain small letters, and for each letter of it the place in `text` that it came from."""
    if text.isascii():
        return text.lower(), range(len(text))
    letters: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        for plain in _plain(sign):
            letters.append(plain)
            places.append(place)
    return "".join(letters), places


@lru_cache(maxsize=8192)
def _plain(sign: str) -> str:
    """One character without accents, width, style and script; "" for one that cannot be seen."""
    known = LOOKALIKES.get(sign)
    if known is not None:
        return known
    if _MATHEMATICAL[0] <= ord(sign) < _MATHEMATICAL[1]:
        return chr(ord("a") + (ord(sign) - _MATHEMATICAL[0]) % 26)  # its holes are letters to the eye as well
    pieces = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", sign).casefold())
    return "".join(
        LOOKALIKES.get(piece, piece)
        for piece in pieces
        if unicodedata.category(piece) not in ("Mn", "Me", "Cf", "Cc") or piece.isspace()
    )


@lru_cache(maxsize=8192)
def key_of(word: str) -> str:
    """The form in which a folded word is compared: one spelling, in the singular, without a possessive."""
    word = word.replace("’", "'").removesuffix("'s")
    return _SPELLINGS.get(singular := _singular(word), singular)


def _singular(word: str) -> str:
    if word in _PLURALS:
        return _PLURALS[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")) or word in _NO_PLURALS:
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def words(text: str) -> tuple[Word, ...]:
    """The words of a text in order, without its articles."""
    return tuple(word for word in _every(text) if word.key not in _ARTICLES)


def _every(text: str) -> Iterator[Word]:
    folded, places = fold(text)
    for match in _WORD.finditer(folded):
        start, stop = places[match.start()], places[match.end() - 1] + 1
        disguised = not text.isascii() and text[start:stop].lower() != match[0]
        yield Word(key_of(match[0]), start, stop, disguised)


@lru_cache(maxsize=8192)
def phrase(text: str) -> Phrase:
    """What a term is compared by; () for one without words.

    >>> phrase("The Grey Hats") == phrase("gray hat")
    True
    """
    folded, _ = fold(text)
    keys = (key_of(match[0]) for match in _WORD.finditer(folded))
    return tuple(key for key in keys if key not in _ARTICLES)


@lru_cache(maxsize=16)
def _heard(text: str) -> tuple[Word, ...]:
    """`words`, remembered: several indices look through the same few texts."""
    return words(text)


@lru_cache(maxsize=16)
def disguises(text: str) -> tuple[Word, ...]:
    """Other readings of a text's words: with digits for letters, stretched, or spelled letter by letter."""
    plain = list(_every(text))
    return (*_leet(text), *_stretched(plain), *_spelled(plain))


def _leet(text: str) -> Iterator[Word]:
    folded, places = fold(text)
    for match in _SIGNS.finditer(folded):
        said = match[0]
        if not any(sign in DIGITS for sign in said) or not any(sign.isalpha() for sign in said):
            continue
        start, stop = places[match.start()], places[match.end() - 1] + 1
        for one in "il":  # what 1 and | stand for
            table = {**DIGITS, "1": one, "|": one}
            read = "".join(table.get(sign, sign) for sign in said)
            yield from (Word(key_of(word[0]), start, stop, True) for word in _WORD.finditer(read))


def _stretched(plain: Iterable[Word]) -> Iterator[Word]:
    for word in plain:
        if (squeezed := _squeezed(word.key)) != word.key:
            yield Word(key_of(squeezed), word.start, word.stop, True)


@lru_cache(maxsize=8192)
def _squeezed(key: str) -> str:
    """A key without the repetitions of its letters."""
    return "".join(sign for sign, _ in groupby(key))


def _spelled(plain: Sequence[Word]) -> Iterator[Word]:
    """Words that single letters spell: every run of three letters or more within a row of them."""
    row: list[Word] = []
    for word in (*plain, Word("--", 0, 0)):
        if len(word.key) == 1:
            row.append(word)
            continue
        for first in range(len(row)):
            for last in range(first + 3, min(len(row), first + _LONGEST_SPELLING) + 1):
                said = "".join(letter.key for letter in row[first:last])
                yield Word(key_of(said), row[first].start, row[last - 1].stop, True)
        row = row[:0]


@dataclass(frozen=True)
class Mention(Generic[Found]):
    """A phrase found in a text.

    Attributes:
        what: what it was looked for.
        start, stop: first and one-past-last character.
        disguised: whether it was written so that a plain search would miss it.
    """

    what: Found
    start: int
    stop: int
    disguised: bool


class Index(Generic[Found]):
    """Looks for many phrases in a text at once.

    Args:
        phrases: (phrase, what it stands for); of two for one phrase the first counts.
    """

    def __init__(self, phrases: Iterable[tuple[Phrase, Found]]) -> None:
        self._known: dict[Phrase, Found] = {}
        self._joined: dict[str, Found] = {}
        for said, what in phrases:
            if said:
                self._known.setdefault(said, what)
                self._joined.setdefault("".join(said), what)
        self._lengths: dict[str, list[int]] = {}  # of the phrases that begin with a word
        for said in sorted(self._known, key=len):
            lengths = self._lengths.setdefault(said[0], [])
            if len(said) not in lengths:
                lengths.append(len(said))

    @property
    def known(self) -> Mapping[Phrase, Found]:
        """What is looked for."""
        return self._known

    def mentions(self, text: str, *, strict: bool = False) -> list[Mention[Found]]:
        """Where the phrases are mentioned, in order.

        Args:
            text: plain text, without syntax.
            strict: also look through `disguises`.
        """
        found = [*self._plain(_heard(text))]
        if strict and self._known:
            found += (
                Mention(self._joined[word.key], word.start, word.stop, True)
                for word in disguises(text)
                if word.key in self._joined
            )
        return sorted(found, key=lambda mention: (mention.start, mention.stop))

    def _plain(self, said: Sequence[Word]) -> Iterator[Mention[Found]]:
        keys = tuple(word.key for word in said)
        for first, word in enumerate(said):
            for length in self._lengths.get(word.key, ()):
                what = self._known.get(keys[first : first + length])
                if what is not None:
                    run = said[first : first + length]
                    yield Mention(what, word.start, run[-1].stop, any(one.disguised for one in run))
            if (what := self._joined.get(word.key)) is not None and (word.key,) not in self._known:
                yield Mention(what, word.start, word.stop, word.disguised)
        for one, two in pairwise(said):  # a word written as two: "water mark", but no stray letter
            if len(one.key) > 2 and len(two.key) > 2 and (one.key + two.key,) in self._known:
                yield Mention(self._known[one.key + two.key,], one.start, two.stop, False)
