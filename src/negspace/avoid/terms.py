"""Terms: what a user wrote to be avoided, one thing at a time, each with its weight, time and place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from negspace.prompt import Chunk, compose, moments, parse
from negspace.prompt.schedules import Moment
from negspace.request import Avoid

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SEPARATOR = re.compile(r"[,;\n]")

FUNCTION_WORDS = frozenset(
    "a an and any as at by for from in into is it its no not of on or out over the to too very with "
    "without".split()
)
"""Words without a picture of their own: they are not asked for when it is asked whether a term is known."""


@dataclass(frozen=True)
class Term:
    """One thing that is not wanted.

    Attributes:
        avoid: its words, weight, window and origin.
        span: first and one-past-last character in the avoid text; None where it was given as a term.
    """

    avoid: Avoid
    span: tuple[int, int] | None = None


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text without syntax, lower case, in order."""
    return tuple(match[0].lower() for match in _WORD.finditer(text))


def content_words(text: str) -> tuple[str, ...]:
    """The words of a text that can have a picture; all of them where there is no such word."""
    words = words_of(text)
    return tuple(word for word in words if word not in FUNCTION_WORDS) or words


def terms_of(
    avoid: str | Sequence[Avoid] | None, dialect: str = "a1111", steps: int = 20
) -> tuple[Term, ...]:
    """The things to avoid, in order.

    A text is a list with commas; weights and brackets around several things weigh each of them, and a thing
    in a schedule is avoided from its first step to its last. What is said twice is one term.

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
        return tuple(Term(one) for one in avoid)
    found: dict[tuple[str, float], tuple[tuple[int, int], int, int]] = {}
    first = 0
    for moment in moments(avoid, steps, dialect):
        for text, weight, span in _spoken(moment, dialect):
            place, start, _ = found.get((text, weight), (moment.place(span), first, 0))
            found[text, weight] = place, start, moment.last_step
        first = moment.last_step
    return tuple(
        Term(Avoid(term=text, weight=weight, window=(start / steps, stop / steps)), place)
        for (text, weight), (place, start, stop) in sorted(found.items(), key=lambda item: item[1][0])
    )


def _spoken(moment: Moment, dialect: str) -> Iterator[tuple[str, float, tuple[int, int]]]:
    """The things said at a moment: (words, weight, span in its text)."""
    for part in compose(moment.text, dialect):
        start = part.span[0]
        for text, weight, span in _split(parse(part.text, dialect).chunks, part.text):
            yield text, weight * part.factor, (start + span[0], start + span[1])


def _split(chunks: Sequence[Chunk], source: str) -> Iterator[tuple[str, float, tuple[int, int]]]:
    """Chunks cut at commas, joined between them; of several weights the one farthest from 1 counts."""
    pieces: list[tuple[str, float, tuple[int, int]]] = []
    for chunk in chunks:
        position = 0
        edges = [match.span() for match in _SEPARATOR.finditer(chunk.text)]
        if chunk.kind == "break":
            edges, position = [(0, 0)], len(chunk.text)
        for stop, after in (*edges, (len(chunk.text), None)):
            if stop > position:
                pieces.append(
                    (chunk.text[position:stop], chunk.weight, _place(chunk, position, stop, source))
                )
            if after is not None:
                yield from _joined(pieces)
                pieces.clear()
                position = max(position, after)
    yield from _joined(pieces)


def _joined(
    pieces: Sequence[tuple[str, float, tuple[int, int]]],
) -> Iterator[tuple[str, float, tuple[int, int]]]:
    text = "".join(piece[0] for piece in pieces).strip()
    if text:
        told = [piece for piece in pieces if piece[0].strip()]
        weight = max((piece[1] for piece in told), key=lambda weight: abs(weight - 1.0))
        yield text, weight, (told[0][2][0], told[-1][2][1])


def _place(chunk: Chunk, start: int, stop: int, source: str) -> tuple[int, int]:
    """Where the stripped chunk.text[start:stop] stands in the source; the chunk's place if unsure."""
    text = chunk.text[start:stop].strip()
    first = source.find(text, chunk.span[0], chunk.span[1])
    at = first
    while at >= 0 and source[chunk.span[0] : at].count(",") < chunk.text[:start].count(","):
        at = source.find(text, at + 1, chunk.span[1])
    found = at if at >= 0 else first
    return (found, found + len(text)) if found >= 0 and text else chunk.span
