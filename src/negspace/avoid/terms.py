"""Splits what is to be avoided into terms, each with its weight, window and place in the text."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from negspace.prompt import Chunk, Prompt, ScheduledPrompt, unfold, write
from negspace.request import Avoid

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
"""A word without syntax."""

_SEPARATOR = re.compile(r"[,;\n，、；،]")
_PLAIN = re.compile(r"(?:(?!AND\b|BREAK\b)[^\W_]+(?:[ '’]|$))+")

FUNCTION_WORDS = frozenset(
    "a an and any as at by for from in into is it its no not of on or out over the to too very with "
    "without".split()
)
"""Words without a picture of their own: they do not count when it is asked whether a model knows a term."""


class Term(NamedTuple):
    """One thing that is not wanted.

    Attributes:
        avoid: its words, weight, window and origin.
        span: first and one-past-last character in the avoid text; None where it was given as a term.
    """

    avoid: Avoid
    span: tuple[int, int] | None = None


@lru_cache(maxsize=16)
def unfolded(text: str, steps: int, dialect: str) -> tuple[ScheduledPrompt, ...]:
    """`negspace.prompt.unfold`, cached: the parts of a plan read the same few texts."""
    return unfold(text, steps, dialect)


@lru_cache(maxsize=8192)
def is_plain(text: str) -> bool:
    """Whether a text is words and spaces alone, which every dialect writes as they are."""
    return _PLAIN.fullmatch(text) is not None


def as_text(words: str) -> str:
    """Plain words in the a1111 dialect, with syntax in them escaped."""
    return words if is_plain(words) else write(Prompt((Chunk(words, 1.0),), "a1111", words))


@lru_cache(maxsize=8192)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text without syntax, lower case, in order."""
    return tuple(match[0].lower() for match in WORD.finditer(text))


@lru_cache(maxsize=8192)
def content_words(text: str) -> tuple[str, ...]:
    """The words of a text that can have a picture; all of them where there is no such word."""
    words = words_of(text)
    if FUNCTION_WORDS.isdisjoint(words):
        return words
    return tuple([word for word in words if word not in FUNCTION_WORDS]) or words


def terms_of(
    avoid: str | Sequence[Avoid] | None, dialect: str = "a1111", steps: int = 20
) -> tuple[Term, ...]:
    """The things to avoid, in order.

    A text is a list with commas, also those of other scripts. Weights and brackets around several things
    weigh each of them, and a thing in a schedule is avoided from its first step to its last. What is written
    twice is one term.

    Args:
        avoid: as in a request.
        dialect: grammar of the text.
        steps: of the sampler, which schedules refer to.

    Raises:
        RequestError: there is no such dialect.
        PromptError: the text cannot be read.
    """
    if avoid is None:
        return ()
    if not isinstance(avoid, str):
        return tuple(map(Term, avoid))
    places: dict[tuple[str, float], tuple[tuple[int, int], int, int]] = {}
    for text, weight, span, first, last in _parts(avoid, dialect, steps):
        place, start, stop = places.get((text, weight), (span, first, last))
        places[text, weight] = min(place, span), min(start, first), max(stop, last)
    return tuple(
        Term(Avoid(term=text, weight=weight, window=(start / steps, stop / steps)), place)
        for (text, weight), (place, start, stop) in sorted(places.items(), key=lambda item: item[1][0])
    )


def _parts(text: str, dialect: str, steps: int) -> Iterator[tuple[str, float, tuple[int, int], int, int]]:
    """The parts of a text: (words, weight, span, steps before it, last step)."""
    for scheduled in unfolded(text, steps, dialect):
        first = 0
        for last, prompt in scheduled.prompts:
            for words, weight, span in _split(prompt):
                term = words if is_plain(words) else write(Prompt((Chunk(words, 1.0),), dialect, words))
                yield term, weight * scheduled.factor, span, first, last
            first = last


class _Piece(NamedTuple):
    """The part of a chunk between two commas.

    Attributes:
        chunk: the chunk.
        start, stop: place in its text.
        exact: whether the source has the chunk as it is read, without syntax inside.
    """

    chunk: Chunk
    start: int
    stop: int
    exact: bool


def _split(prompt: Prompt) -> Iterator[tuple[str, float, tuple[int, int]]]:
    """Chunks cut at commas and joined between them; of several weights the one farthest from 1 counts."""
    pieces: list[_Piece] = []
    for chunk in prompt.chunks:
        if chunk.kind == "break":
            yield from _joined(pieces, prompt.source)
            pieces = []
            continue
        at, text = 0, chunk.text
        exact = prompt.source[slice(*chunk.span)] == text
        for comma in _SEPARATOR.finditer(text):
            if at < comma.start():
                pieces.append(_Piece(chunk, at, comma.start(), exact))
            yield from _joined(pieces, prompt.source)
            pieces, at = [], comma.end()
        if at < len(text):
            pieces.append(_Piece(chunk, at, len(text), exact))
    yield from _joined(pieces, prompt.source)


def _joined(pieces: Sequence[_Piece], source: str) -> Iterator[tuple[str, float, tuple[int, int]]]:
    if len(pieces) == 1:
        (piece,) = pieces
        if text := piece.chunk.text[piece.start : piece.stop].strip():
            yield text, piece.chunk.weight, _place(piece, source)
        return
    texts = [piece.chunk.text[piece.start : piece.stop] for piece in pieces]
    text = "".join(texts).strip()
    if text:
        worded = [piece for piece, words in zip(pieces, texts, strict=True) if words.strip()]
        weight = max((piece.chunk.weight for piece in worded), key=lambda weight: abs(weight - 1.0))
        yield text, weight, (_place(worded[0], source)[0], _place(worded[-1], source)[1])


def _place(piece: _Piece, source: str) -> tuple[int, int]:
    """Where a piece is in the source, without the spaces around it; its chunk's place if that is unclear.

    There may be syntax between its words, so its first and its last one are looked for.
    """
    chunk, start, stop, exact = piece
    text = chunk.text[start:stop]
    if exact:
        first = chunk.span[0] + start + len(text) - len(text.lstrip())
        return first, first + len(text.strip())
    words = text.split()
    at = chunk.span[0] - 1
    for _ in range(chunk.text[:start].count(words[0]) + 1):
        at = source.find(words[0], at + 1, chunk.span[1])
        if at < 0:
            return chunk.span
    end = at
    for word in words:
        end = source.find(word, end, chunk.span[1]) + len(word)
        if end < at + len(word):
            return at, chunk.span[1]
    return at, end
