"""Compares words, and finds phrases in a text: whole words, never substrings.

A word is folded before it is compared: case, accents, width, invisible characters and look-alike letters of
other scripts make no difference (Unicode's NFKD, and a table of look-alikes of our own). Then spelling
variants and plurals are brought to one form. `disguised_words` goes further, for terms that nobody may get
past: digits in place of letters, letters spelled one by one, repeated letters, emoji. So does an `Index`,
which takes a word that is none for the term from which one slip of the pen sets it apart.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Generic, NamedTuple, TypeVar

from negspace.avoid.emojis import named_emojis
from negspace.avoid.lookalikes import DIGITS, LOOKALIKES
from negspace.avoid.misspellings import LEAST_LETTERS, is_misspelt
from negspace.avoid.morphology import singular

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_WORD_WITH_SIGNS = re.compile(r"[\w@$!|€+]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")  # kana and the signs of Chinese
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


class Word(NamedTuple):
    """A word of a text.

    Attributes:
        key: the form in which it is compared: folded, in one spelling, in the singular.
        start, stop: first and one-past-last character.
        disguised: whether only folding made it a plain word.
    """

    key: str
    start: int
    stop: int
    disguised: bool = False


Phrase = tuple[str, ...]
"""The keys of a term's words, without articles."""

Value = TypeVar("Value")


def fold(text: str) -> tuple[str, Sequence[int]]:
    """A text in plain small letters, and the place in `text` of each of them."""
    if text.isascii():
        return text.lower(), range(len(text))
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for letter in _plain_letters(character):
            letters.append(letter)
            places.append(place)
    return "".join(letters), places


@lru_cache(maxsize=8192)
def _plain_letters(character: str) -> str:
    """One character without accents, width, style and script; "" for one that cannot be seen."""
    lookalike = LOOKALIKES.get(character)
    if lookalike is not None:
        return lookalike
    if _MATHEMATICAL[0] <= ord(character) < _MATHEMATICAL[1]:  # its gaps look like letters as well
        return chr(ord("a") + (ord(character) - _MATHEMATICAL[0]) % 26)
    pieces = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(
        LOOKALIKES.get(piece, piece)
        for piece in pieces
        if unicodedata.category(piece) not in ("Mn", "Me", "Cf", "Cc") or piece.isspace()
    )


@lru_cache(maxsize=8192)
def key_of(word: str) -> str:
    """The form in which a folded word is compared: one spelling, in the singular, without a possessive."""
    word = singular(word.replace("’", "'").removesuffix("'s"))
    return _SPELLINGS.get(word, word)


def words(text: str) -> tuple[Word, ...]:
    """The words of a text in order, without its articles."""
    return tuple(word for word in _all_words(text) if word.key not in _ARTICLES)


def _all_words(text: str) -> Iterator[Word]:
    folded, places = fold(text)
    for match in _WORD.finditer(folded):
        start, stop = places[match.start()], places[match.end() - 1] + 1
        disguised = not text.isascii() and text[start:stop].lower() != match[0]
        yield Word(key_of(match[0]), start, stop, disguised)


def has_words(text: str) -> bool:
    """Whether the phrase of a text has a word; no dictionary is needed to tell."""
    return any(match[0] not in _ARTICLES for match in _WORD.finditer(fold(text)[0]))


@lru_cache(maxsize=8192)
def phrase(text: str) -> Phrase:
    """The phrase by which a term is compared; () for one without words.

    >>> phrase("The Grey Hats") == phrase("gray hat")
    True
    """
    folded, _ = fold(text)
    keys = (key_of(match[0]) for match in _WORD.finditer(folded))
    return tuple(key for key in keys if key not in _ARTICLES)


@lru_cache(maxsize=16)
def _cached_words(text: str) -> tuple[Word, ...]:
    """`words`, cached: several indices look through the same few texts."""
    return words(text)


@lru_cache(maxsize=16)
def disguised_words(text: str) -> tuple[Word, ...]:
    """Other readings of a text's words: digits as letters, repeated letters as one, spelled words joined."""
    plain = list(_all_words(text))
    return (
        *_with_digits_as_letters(text),
        *_without_repetitions(plain),
        *_spelled(plain),
        *_named(text),
    )


def _with_digits_as_letters(text: str) -> Iterator[Word]:
    folded, places = fold(text)
    for match in _WORD_WITH_SIGNS.finditer(folded):
        written = match[0]
        if DIGITS.keys().isdisjoint(written) or not any(map(str.isalpha, written)):
            continue
        start, stop = places[match.start()], places[match.end() - 1] + 1
        for letter in "il":  # 1 and | stand for either
            table = {**DIGITS, "1": letter, "|": letter}
            reading = "".join(table.get(character, character) for character in written)
            yield from (Word(key_of(word[0]), start, stop, True) for word in _WORD.finditer(reading))


def _without_repetitions(plain: Iterable[Word]) -> Iterator[Word]:
    for word in plain:
        if (shorter := _without_repeated_letters(word.key)) != word.key:
            yield Word(key_of(shorter), word.start, word.stop, True)


@lru_cache(maxsize=8192)
def _without_repeated_letters(key: str) -> str:
    return "".join(letter for letter, _ in groupby(key))


def _named(text: str) -> Iterator[Word]:
    """The words in the names of emoji, and every run of them as one word."""
    for named in named_emojis(text):
        for name in named.names:
            keys = phrase(name)
            for first in range(len(keys)):
                for last in range(first, len(keys)):
                    yield Word("".join(keys[first : last + 1]), named.start, named.stop, True)


def _spelled(plain: Sequence[Word]) -> Iterator[Word]:
    """Words that single letters spell: every run of three letters or more within a row of them."""
    row: list[Word] = []
    for word in (*plain, Word("--", 0, 0)):
        if len(word.key) == 1:
            row.append(word)
            continue
        for first in range(len(row)):
            for last in range(first + 3, min(len(row), first + _LONGEST_SPELLING) + 1):
                spelled = "".join(letter.key for letter in row[first:last])
                yield Word(key_of(spelled), row[first].start, row[last - 1].stop, True)
        row = row[:0]


@dataclass(frozen=True)
class Mention(Generic[Value]):
    """A phrase found in a text.

    Attributes:
        what: the value of the phrase in the index.
        start, stop: first and one-past-last character.
        disguised: whether it was written so that a plain search would miss it.
    """

    what: Value
    start: int
    stop: int
    disguised: bool


class Index(Generic[Value]):
    """Looks for many phrases in a text at once.

    Args:
        phrases: (phrase, its value); if a phrase is given twice, the first value counts.
    """

    def __init__(self, phrases: Iterable[tuple[Phrase, Value]]) -> None:
        self._values: dict[Phrase, Value] = {}
        self._joined: dict[str, Value] = {}
        for words, value in phrases:
            if words:
                self._values.setdefault(words, value)
                self._joined.setdefault("".join(words), value)
        self._without_spaces = tuple(key for key in self._joined if _UNSPACED.search(key))
        self._long: dict[tuple[str, int], list[str]] = {}  # by first letter and length
        for key in self._joined:
            if len(key) >= LEAST_LETTERS:
                self._long.setdefault((key[0], len(key)), []).append(key)
        self._lengths: dict[str, list[int]] = {}  # of the phrases that begin with a word
        for words in sorted(self._values, key=len):
            lengths = self._lengths.setdefault(words[0], [])
            if len(words) not in lengths:
                lengths.append(len(words))

    @property
    def values(self) -> Mapping[Phrase, Value]:
        """The value of every phrase."""
        return self._values

    def mentions(self, text: str) -> list[Mention[Value]]:
        """Where the phrases are mentioned in a text without syntax, in order."""
        return _in_order((*self._plain(_cached_words(text)), *self._unspaced(text)))

    def mentions_in_disguise(self, text: str) -> list[Mention[Value]]:
        """Where the phrases are mentioned, also by `disguised_words`, in order."""
        if not self._values:
            return []
        disguised = (
            Mention(self._joined[word.key], word.start, word.stop, True)
            for word in disguised_words(text)
            if word.key in self._joined
        )
        return _in_order(
            (*self._plain(_cached_words(text)), *self._unspaced(text), *disguised, *self._misspelt(text))
        )

    def _unspaced(self, text: str) -> Iterator[Mention[Value]]:
        """Phrases of scripts that put no spaces between words."""
        if self._without_spaces and not text.isascii():
            folded, places = fold(text)
            for key in self._without_spaces:
                for match in re.finditer(re.escape(key), folded):
                    stop = places[match.end() - 1] + 1
                    yield Mention(self._joined[key], places[match.start()], stop, False)

    def _misspelt(self, text: str) -> Iterator[Mention[Value]]:
        """Words that are none, but would be a phrase without one slip of the pen."""
        for word in _cached_words(text):
            lengths = (len(word.key) + more for more in (-1, 0, 1))
            near = (key for length in lengths for key in self._long.get((word.key[0], length), ()))
            key = next((key for key in near if is_misspelt(word.key, key)), None)
            if key is not None:
                yield Mention(self._joined[key], word.start, word.stop, True)

    def _plain(self, text: Sequence[Word]) -> Iterator[Mention[Value]]:
        keys = tuple(word.key for word in text)
        for first, word in enumerate(text):
            for length in self._lengths.get(word.key, ()):
                value = self._values.get(keys[first : first + length])
                if value is not None:
                    run = text[first : first + length]
                    yield Mention(value, word.start, run[-1].stop, any(word.disguised for word in run))
            if (value := self._joined.get(word.key)) is not None and (word.key,) not in self._values:
                yield Mention(value, word.start, word.stop, word.disguised)
        for left, right in pairwise(text):  # a word written as two: "water mark", but no stray letter
            if len(left.key) > 2 and len(right.key) > 2 and (left.key + right.key,) in self._values:
                yield Mention(self._values[left.key + right.key,], left.start, right.stop, False)


def _in_order(mentions: Iterable[Mention[Value]]) -> list[Mention[Value]]:
    return sorted(mentions, key=lambda mention: (mention.start, mention.stop))
