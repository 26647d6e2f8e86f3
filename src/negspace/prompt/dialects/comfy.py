"""The comfy dialect: the weights of ComfyUI, as its `token_weights` gives them.

`(x)` multiplies the surrounding weight by 1.1; `(x:1.3)` replaces it with 1.3. `\\(` and `\\)` are letters,
and so are every other backslash and every square bracket. There is no BREAK, AND or schedule.

Unmatched brackets are read exactly as ComfyUI reads them, by three rules: a bracket opens a range only if
every `)` before it has a partner; a bracket that is never closed makes the rest of its text letters; unless
that rest ends in `)`, which then closes it.
"""

import re
from typing import NamedTuple

from negspace.prompt.dialect import Dialect
from negspace.prompt.reading import (
    LARGEST_WEIGHT,
    UP,
    FindingCollector,
    format_weight,
    looks_numeric,
    parse_number,
    product,
)
from negspace.prompt.tree import EMPTY, Chunk, Prompt
from negspace.prompt.writing import refuse_breaks, refuse_loras, refuse_structure

NAME = "comfy"
_MARK = re.compile(r"\\[()]|[():]")


def parse(source: str, findings: FindingCollector) -> Prompt:
    """Reads `source`; what cannot be read is text, with a finding."""
    chunks = tuple(_Scan(source, findings).chunks)
    return Prompt(chunks or (EMPTY,), NAME, source, findings.collected())


class _Region(NamedTuple):
    """source[start:end], in which the marks number `mark` to `last` lie, and its weight."""

    start: int
    end: int
    mark: int
    last: int
    weight: float


class _Scan:
    def __init__(self, source: str, findings: FindingCollector) -> None:
        self.source = source
        self.findings = findings
        self.chunks: list[Chunk] = []
        marks = _MARK.finditer(source)
        self._marks = [mark.start() for mark in marks if source[mark.start()] != "\\"]
        self._partner = self._partners()
        self._todo = [_Region(0, len(source), 0, len(self._marks), 1.0)]
        while self._todo:
            self._read(self._todo.pop())

    def _partners(self) -> dict[int, int]:
        """The closing mark of each opening one, by their numbers."""
        partner: dict[int, int] = {}
        opened: list[int] = []
        for mark, at in enumerate(self._marks):
            if self.source[at] == "(":
                opened.append(mark)
            elif self.source[at] == ")" and opened:
                partner[opened.pop()] = mark
        return partner

    def _read(self, region: _Region) -> None:
        """Reads up to the first range in a region, and leaves that range and what follows to be read next."""
        stray = 0  # how many ) have no ( for them yet
        for mark in range(region.mark, region.last):
            at = self._marks[mark]
            sign = self.source[at]
            if sign == "(" and stray == 0:
                self._text(region.start, at, region.weight)
                self._range(region, mark)
                return
            if sign == "(":
                stray -= 1
            elif sign == ")":
                stray += 1
                self._warn_stray(at, "closes nothing")
        self._text(region.start, region.end, region.weight)

    def _range(self, region: _Region, mark: int) -> None:
        """Leaves the range that opens at `mark` to be read, or takes it as letters."""
        at, close = self._marks[mark], self._partner.get(mark, region.last)
        if close < region.last:
            after = self._marks[close] + 1
            self._todo.append(_Region(after, region.end, close + 1, region.last, region.weight))
            self._todo.append(self._inside(mark, close, region.weight))
            return
        self._warn_stray(at, "is never closed")
        close = region.last - 1
        if close > mark and self._marks[close] == region.end - 1 and self.source[region.end - 1] == ")":
            self._todo.append(self._inside(mark, close, region.weight))
        else:
            self._text(at, region.end, region.weight)

    def _inside(self, mark: int, close: int, around: float) -> _Region:
        """The region between two brackets."""
        start, end, colon = self._marks[mark] + 1, self._marks[close], self._marks[close - 1]
        if close - 1 > mark and self.source[colon] == ":" and colon > start:
            number = self.source[colon + 1 : end]
            weight = parse_number(number)
            if weight is not None:
                return _Region(start, colon, mark + 1, close - 1, weight)
            if looks_numeric(number):
                self.findings.warn(
                    "number", f"{number.strip()[:40]!r} is not a weight; it is read as text", (colon, end)
                )
        weight = product(around, UP)
        if weight == LARGEST_WEIGHT:
            self.findings.warn(
                "weight-range", "the weights around this are too large to multiply", (start, end)
            )
        return _Region(start, end, mark + 1, close, weight)

    def _text(self, start: int, end: int, weight: float) -> None:
        if start < end:
            text = self.source[start:end].replace("\\)", ")").replace("\\(", "(")
            self.chunks.append(Chunk(text, weight, (start, end)))

    def _warn_stray(self, at: int, problem: str) -> None:
        sign = self.source[at]
        self.findings.warn(
            "unbalanced", f"this {sign!r} {problem}; write \\{sign} for the letter", (at, at + 1)
        )


def write(prompt: Prompt) -> str:
    """The text that ComfyUI reads as these chunks.

    Raises:
        PromptError: there is a BREAK, or one of compel's functions.
    """
    refuse_structure(prompt, "ComfyUI")
    refuse_loras(prompt, "ComfyUI")
    refuse_breaks(prompt, "ComfyUI")
    chunks = [chunk for chunk in prompt.chunks if chunk.text]
    written: list[str] = []
    for index, chunk in enumerate(chunks):
        text = chunk.text.replace("(", "\\(").replace(")", "\\)")
        plain = chunk.weight == 1.0
        # A backslash would make the next bracket a letter, and ComfyUI has no escape for the backslash.
        if not plain or (text.endswith("\\") and index + 1 < len(chunks)):
            text = f"({text}:{format_weight(chunk.weight)})"
        elif index and chunks[index - 1].weight == 1.0:
            text = f"(){text}"  # without the brackets they would be one chunk
        written.append(text)
    return prompt.separator.join(written)


DIALECT = Dialect(NAME, parse, write, native=frozenset({"weight"}))
