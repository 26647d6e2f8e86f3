"""Composition: several prompts in one text with AND between them.

As in AUTOMATIC1111, `a cat AND a dog :0.5` is two prompts with the weights 1 and 0.5, which may be negative.
Unlike there, a negative may be composed too; AND NOT subtracts a part; an AND between matching brackets is a
word, because dividing the text there would separate the brackets; and a text without AND is left unchanged,
whereas AUTOMATIC1111 reads the end of `aspect ratio 16:9` as a weight of 9.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from negspace.prompt.parsing import dialect_named
from negspace.prompt.reading import Brackets, is_letter, parse_number, whole_words
from negspace.prompt.tree import Span


@dataclass(frozen=True)
class SubPrompt:
    """One of the prompts in a text.

    Attributes:
        text: the prompt with its schedules and weights.
        weight: as written, 1 without one; it may be negative.
        sign: -1 after AND NOT, else 1.
        span: of `text` in the source.
        separator: span of the AND or AND NOT before it; empty at the first part.
    """

    text: str
    weight: float = 1.0
    sign: Literal[1, -1] = 1
    span: Span = (0, 0)
    separator: Span = (0, 0)

    @property
    def factor(self) -> float:
        """What the guidance towards it is multiplied by: sign * weight."""
        return self.sign * self.weight


def compose(text: str, dialect: str = "a1111") -> tuple[SubPrompt, ...]:
    """The prompts in a text, in order, at least one. A text without AND is the only part, unchanged.

    Args:
        text: a prompt or a negative.
        dialect: its dialect; where it is not `timed`, AND is a word.

    Raises:
        RequestError: no dialect has that name.
    """
    separators = list(_separators(text)) if dialect_named(dialect).timed else []
    if not separators:
        return (SubPrompt(text, span=(0, len(text))),)
    first = _part(text, 0, separators[0].span[0])
    ends = (*(separator.span[0] for separator in separators[1:]), len(text))
    rest = (
        replace(_part(text, separator.span[1], end), sign=separator.sign, separator=separator.span)
        for separator, end in zip(separators, ends, strict=True)
    )
    return first, *rest


class _Separator(NamedTuple):
    """An AND or AND NOT, and the sign of the part after it."""

    span: Span
    sign: Literal[1, -1]


def _separators(text: str) -> Iterator[_Separator]:
    if "AND" not in text:
        return
    brackets = Brackets(text)
    for _, word, last in whole_words(text, "AND", 0, len(text)):
        if brackets.enclose(word):
            continue
        negated = (
            last > word + 3
            and text.startswith("NOT", last)
            and not is_letter(text[last + 3 : last + 4] or " ")
        )
        yield _Separator((word, last + 3), -1) if negated else _Separator((word, word + 3), 1)


def _part(text: str, start: int, end: int) -> SubPrompt:
    """The part text[start:end] without the weight at its end and without white space around it."""
    weight, stop = _weight(text, start, end)
    while start < stop and text[start].isspace():
        start += 1
    while stop > start and text[stop - 1].isspace():
        stop -= 1
    return SubPrompt(text[start:stop], weight, span=(start, stop))


def _weight(text: str, start: int, end: int) -> tuple[float, int]:
    """The weight after the last colon and the end of the text before it; 1 and `end` if there is none."""
    while end > start and text[end - 1].isspace():
        end -= 1
    at = end
    while at > start and (text[at - 1].isdecimal() or text[at - 1] == "."):
        at -= 1
    digits = at
    if at > start and text[at - 1] in "+-":
        at -= 1
    number = text[at:end]
    while at > start and text[at - 1].isspace():
        at -= 1
    weight = parse_number(number) if digits < end and at > start and text[at - 1] == ":" else None
    return (1.0, end) if weight is None else (weight, at - 1)
