"""Composition: several prompts in one text, told apart by AND, and AND NOT for what is to be steered away
from.

As in AUTOMATIC1111, `a cat AND a dog :0.5` is two prompts with the weights 1 and 0.5, which may be negative.
Here the negative may be composed as well, and three things are mended: AND NOT subtracts a part; an AND
between brackets that belong together is a word, because splitting there would tear the brackets apart; and a
text without AND is left as it is, where AUTOMATIC1111 takes the end of `aspect ratio 16:9` for a weight of 9.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from negspace.prompt.dialects import dialect_named
from negspace.prompt.reading import Brackets, is_letter, number, words_at
from negspace.prompt.tree import Span


@dataclass(frozen=True)
class SubPrompt:
    """One of the prompts in a text.

    Attributes:
        text: the prompt, still with its schedules and weights.
        weight: as written, 1 if nothing is; it may be negative.
        sign: -1 after AND NOT, else 1.
        span: where `text` stands in the source.
        seam: where the AND or AND NOT before it stands; empty at the first part.
    """

    text: str
    weight: float = 1.0
    sign: Literal[1, -1] = 1
    span: Span = (0, 0)
    seam: Span = (0, 0)

    @property
    def factor(self) -> float:
        """What its direction is multiplied with: sign * weight."""
        return self.sign * self.weight


def compose(text: str, dialect: str = "a1111") -> tuple[SubPrompt, ...]:
    """The prompts in a text, in order, at least one. A text without AND is its own only part, untouched.

    Args:
        text: a prompt or a negative.
        dialect: only "a1111" has AND; in the others it is a word.

    Raises:
        RequestError: no dialect has that name.
    """
    seams = list(_seams(text)) if dialect_named(dialect).timed else []
    if not seams:
        return (SubPrompt(text, span=(0, len(text))),)
    first = _part(text, 0, seams[0].span[0])
    ends = (*(seam.span[0] for seam in seams[1:]), len(text))
    rest = (
        replace(_part(text, seam.span[1], end), sign=seam.sign, seam=seam.span)
        for seam, end in zip(seams, ends, strict=True)
    )
    return first, *rest


class _Seam(NamedTuple):
    """An AND or AND NOT, and the sign of what follows it."""

    span: Span
    sign: Literal[1, -1]


def _seams(text: str) -> Iterator[_Seam]:
    if "AND" not in text:
        return
    brackets = Brackets(text)
    for _, word, last in words_at(text, "AND", 0, len(text)):
        if brackets.hold(word):
            continue
        negated = (
            last > word + 3
            and text.startswith("NOT", last)
            and not is_letter(text[last + 3 : last + 4] or " ")
        )
        yield _Seam((word, last + 3), -1) if negated else _Seam((word, word + 3), 1)


def _part(text: str, start: int, end: int) -> SubPrompt:
    """The part that stands there, its weight taken off its end and white space off both."""
    weight, stop = _weight(text, start, end)
    while start < stop and text[start].isspace():
        start += 1
    while stop > start and text[stop - 1].isspace():
        stop -= 1
    return SubPrompt(text[start:stop], weight, span=(start, stop))


def _weight(text: str, start: int, end: int) -> tuple[float, int]:
    """The weight after the last colon and where the text before it ends; 1 and `end` if there is none."""
    while end > start and text[end - 1].isspace():
        end -= 1
    at = end
    while at > start and (text[at - 1].isdecimal() or text[at - 1] == "."):
        at -= 1
    digits = at
    if at > start and text[at - 1] in "+-":
        at -= 1
    said = text[at:end]
    while at > start and text[at - 1].isspace():
        at -= 1
    weight = number(said) if digits < end and at > start and text[at - 1] == ":" else None
    return (1.0, end) if weight is None else (weight, at - 1)
