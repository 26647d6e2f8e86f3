"""What the readers of all dialects share: findings, brackets, words, and weights as numbers."""

import math
import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from decimal import Decimal

from negspace.errors import PromptError
from negspace.findings import Finding
from negspace.prompt.tree import Prompt, Span

MOST = 100  # a text of nothing but brackets would otherwise cost a finding a character


class Notes:
    """Collects findings in the order they are made."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._left_out = 0

    def warn(self, code: str, text: str, span: Span) -> None:
        """Notes something that probably was not meant; a strict reading stops there."""
        self._add(Finding(code, text, span))

    def mention(self, code: str, text: str, span: Span) -> None:
        """Notes something that is worth knowing and may well be meant."""
        self._add(Finding(code, text, span, level="note"))

    def _add(self, finding: Finding) -> None:
        if len(self._findings) < MOST:
            self._findings.append(finding)
        else:
            self._left_out += 1

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noted, at most a hundred, then how many more there were."""
        more = (Finding("more", f"{self._left_out} more findings"),) if self._left_out else ()
        return (*self._findings, *more)


def insist(prompt: Prompt) -> Prompt:
    """The prompt, if nothing in it is questionable.

    Raises:
        PromptError: there is a warning among its findings; the first is told.
    """
    for finding in prompt.findings:
        if finding.level == "warning":
            span = finding.span or (0, len(prompt.source))
            raise PromptError(f"{finding.text} (characters {span[0]} to {span[1]})", span)
    return prompt


_BRACKET = re.compile(r"[\\()\[\]]")


class Brackets:
    """The pairs of ( ) and of [ ] in a text. The kinds do not mix; a backslash makes a bracket a letter."""

    def __init__(self, text: str) -> None:
        self._pairs = [_outermost(text, "(", ")"), _outermost(text, "[", "]")]

    def hold(self, at: int) -> bool:
        """Whether the character at `at` lies between two brackets that belong together."""
        for pairs in self._pairs:
            before = bisect_right(pairs, (at, at)) - 1
            if before >= 0 and at < pairs[before][1]:
                return True
        return False


def _outermost(text: str, opening: str, closing: str) -> list[Span]:
    opened: list[int] = []
    pairs: list[Span] = []
    at = 0
    while mark := _BRACKET.search(text, at):
        at, sign = mark.end(), mark.group()
        if sign == "\\":
            at += 1
        elif sign == opening:
            opened.append(mark.start())
        elif sign == closing and opened:
            start = opened.pop()
            while pairs and pairs[-1][0] > start:
                pairs.pop()
            pairs.append((start, mark.start()))
    return pairs


def words_at(source: str, word: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Where `word` stands by itself in source[start:end], as (first, word, last).

    `first` and `last` include the white space around it, which belongs to one word only, the earlier one.
    """
    at = source.find(word, start, end)
    while at >= 0:
        after = at + len(word)
        alone = not (at > start and is_letter(source[at - 1])) and not (
            after < end and is_letter(source[after])
        )
        if alone:
            first = at
            while first > start and source[first - 1].isspace():
                first -= 1
            while after < end and source[after].isspace():
                after += 1
            yield first, at, after
            start = after
        at = source.find(word, after, end)


def is_letter(sign: str) -> bool:
    """Whether `sign` can be part of a word: a letter, a digit or an underscore of any script."""
    return sign.isalnum() or sign == "_"


def mentions(names: Iterable[str]) -> re.Pattern[str] | None:
    """Finds any of the names of embeddings as a whole word in any case, longest first; None without names.

    The group "name" is the name; ComfyUI writes `embedding:name`.
    """
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    if not longest_first:
        return None
    return re.compile(rf"(?:\bembedding:|(?<![\w-]))(?P<name>{longest_first})(?![\w-])", re.IGNORECASE)


LARGEST = sys.float_info.max
UP, DOWN = 1.1, 1 / 1.1  # a1111 and ComfyUI: ( ) and, in a1111, [ ]

WEIGHTINGS = ("a1111", "lerp", "compel", "product")
"""By what rules weights can act on what an encoder answers; `negspace.encoding.weighting` has the rules."""


def number(text: str) -> float | None:
    """The finite number that `text` spells in Python's way, decimal digits of any script; else None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def times(left: float, right: float) -> float:
    """The product of two finite numbers; where it is too large to be told, the largest number of its sign."""
    product = left * right
    return product if math.isfinite(product) else math.copysign(LARGEST, product)


def power(base: float, exponent: int) -> float:
    """`base ** exponent` for a positive base, at most the largest number."""
    try:
        return base**exponent
    except OverflowError:
        return LARGEST


def spell(weight: float) -> str:
    """The shortest digits that read back as `weight`, never with an exponent, which a1111 cannot read."""
    return format(Decimal(repr(weight)), "f")


def looks_numeric(text: str) -> bool:
    """Whether someone who wrote `text` after a colon must have meant a number."""
    text = text.strip()
    return bool(text) and all(sign in "+-." or sign.isdecimal() for sign in text)
