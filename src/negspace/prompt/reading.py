"""What the readers of all dialects share.

They collect findings, match brackets, look for whole words, and compute weights, which are finite numbers.
"""

import math
import re
import sys
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal

from negspace.errors import PromptError
from negspace.findings import Finding
from negspace.prompt.tree import Prompt, Span

MOST_FINDINGS = 100  # a text of nothing but brackets would otherwise cost a finding a character

LARGEST_WEIGHT = sys.float_info.max
UP, DOWN = 1.1, 1 / 1.1
"""What ( ) multiplies the weight by in a1111 and ComfyUI, and what [ ] does in a1111."""

NEARLY_A_NUMBER = r"[-+−–—‐‑‒﹣－＋]?\s*[\d.,．，]*\d[\d.,．，]*(?:[eE][-+]?\d+)?\s*[,;，、；]?"
"""What somebody writes who means a number, as a regular expression without groups."""
_NUMERIC = re.compile(rf"[-+.]+|{NEARLY_A_NUMBER}")
_BRACKET = re.compile(r"[\\()\[\]]")


class FindingCollector:
    """Collects findings in the order they are made."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._left_out = 0

    def warn(self, code: str, text: str, span: Span) -> None:
        """Adds something that was probably not intended; a strict reading stops there."""
        self._add(Finding(code, text, span))

    def note(self, code: str, text: str, span: Span) -> None:
        """Adds something that is worth knowing and may well be intended."""
        self._add(Finding(code, text, span, level="note"))

    def _add(self, finding: Finding) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(finding)
        else:
            self._left_out += 1

    def collected(self) -> tuple[Finding, ...]:
        """The first hundred findings, then how many more there were."""
        more = (Finding("more", f"{self._left_out} more findings"),) if self._left_out else ()
        return (*self._findings, *more)


def without_carried(prompt: Prompt, loras: Collection[str]) -> tuple[Finding, ...]:
    """The findings of a prompt without those on LoRA files of these names, which somebody carries out."""
    carried = {lora.span for lora in prompt.loras if lora.name in loras}
    return tuple(
        finding for finding in prompt.findings if finding.code != "lora" or finding.span not in carried
    )


def refuse_warnings(prompt: Prompt, carried_loras: Collection[str] = ()) -> Prompt:
    """The prompt, if there is no warning among its findings.

    Args:
        prompt: the prompt.
        carried_loras: names of LoRA files that are carried out.

    Raises:
        PromptError: there is one; the error is the first.
    """
    for finding in without_carried(prompt, carried_loras):
        if finding.level == "warning":
            span = finding.span or (0, len(prompt.source))
            raise PromptError(f"{finding.text} (characters {span[0]} to {span[1]})", span)
    return prompt


class Brackets:
    """The outermost pairs of ( ) and of [ ] in a text.

    The two kinds are matched independently of each other. A backslash makes a bracket a letter.
    """

    def __init__(self, text: str) -> None:
        self._pairs = [_outermost(text, "(", ")"), _outermost(text, "[", "]")]

    def enclose(self, at: int) -> bool:
        """Whether the character at `at` lies between two matching brackets."""
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


def whole_words(source: str, word: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The places where `word` is a whole word in source[start:end], as (first, word, last).

    `first` and `last` include the white space around it. White space between two of them belongs to the
    earlier one.
    """
    at = source.find(word, start, end)
    while at >= 0:
        after = at + len(word)
        joined = (at > start and is_letter(source[at - 1])) or (after < end and is_letter(source[after]))
        if not joined:
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


def embedding_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """Finds any of the names of embeddings as a whole word in any case, longest first; None without names.

    The group "name" is the name; ComfyUI writes `embedding:name`, and the ending of its file may follow.
    """
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    if not longest_first:
        return None
    before, after = r"(?:\bembedding:\s*|(?<![\w-]))", r"(?:\.(?:safetensors|pt|bin|ckpt))?(?![\w-])"
    return re.compile(f"{before}(?P<name>{longest_first}){after}", re.IGNORECASE)


def parse_number(text: str) -> float | None:
    """The finite number that `text` spells in Python's way, decimal digits of any script; else None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def product(left: float, right: float) -> float:
    """The product of two finite numbers, limited to the largest finite number of its sign."""
    value = left * right
    return value if math.isfinite(value) else math.copysign(LARGEST_WEIGHT, value)


def power(base: float, exponent: int) -> float:
    """`base ** exponent` for a positive base, limited to the largest finite number."""
    try:
        return base**exponent
    except OverflowError:
        return LARGEST_WEIGHT


def format_weight(weight: float) -> str:
    """The shortest decimal that parses back to `weight`, without an exponent, which a1111 cannot read."""
    return format(Decimal(repr(weight)), "f")


def looks_numeric(text: str) -> bool:
    """Whether `text` after a colon must have been intended as a number.

    Decimal commas, commas behind it, exponents, full-width signs and the dashes that stand for a minus count.
    """
    return _NUMERIC.fullmatch(text.strip()) is not None
