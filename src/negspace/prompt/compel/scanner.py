"""The parts of compel's syntax that do not nest: words, numbers, weights, options and LoRA calls.

Every method looks at one place of the text and takes the time of what it reads.
"""

import re
from typing import NamedTuple

from negspace.prompt.reading import parse_number, power
from negspace.prompt.tree import Span

PLUS, MINUS = 1.1, 0.9
LORA_CALLS = ("useLora", "withLora")
SPACE = " \t\n\r\x0b\x0c"
_SYNTAX = '()",.+-='
_SPACES = re.compile(f"[{SPACE}]*")
_STOP = re.compile(rf'[{SPACE}()",.+\-=\\]')
_QUOTE = re.compile(r'["\n\r]')
_KEYWORD = re.compile(r"[A-Za-z0-9_-]+")
_ASCII_DIGITS = re.compile(r"[0-9]+")


class LoraCall(NamedTuple):
    """withLora(name, weight)"""

    name: str
    weight: float
    span: Span


class Option(NamedTuple):
    """One argument of .blend(), .and() or .swap(): `key=value`, a number (without a key), or a bare key."""

    key: str | None
    value: float | str | None
    span: Span


class Scanner:
    """Reads the syntax at a place of a text, no further than the place `end`."""

    def __init__(self, source: str) -> None:
        self._source = source

    def skip(self, at: int, end: int) -> int:
        """The end of the white space at a place."""
        white = _SPACES.match(self._source, at, end)
        return white.end() if white else at

    def word(self, at: int, end: int) -> int:
        """The end of a word without syntax.

        + and - belong to it if a letter follows; a backslash makes the sign after it a letter.
        """
        source = self._source
        while stop := _STOP.search(source, at, end):
            at = stop.start()
            following = source[at + 1 : min(at + 2, end)]
            if source[at] == "\\":
                at += 2 if following and following in _SYNTAX else 1
            elif source[at] in "+-" and following and following not in SPACE and following not in _SYNTAX:
                at += 1
            else:
                return at
        return end

    def closing_quote(self, start: int, end: int) -> int:
        """The closing quotation mark on the same line, an escaped one if there is no other; else `start`."""
        source, at, escaped = self._source, start + 1, start
        while mark := _QUOTE.search(source, at, end):
            at = mark.start()
            if source[at] != '"':
                break
            if source[at - 1] != "\\":
                return at
            escaped = at
            at += 1
        return escaped

    def weight(self, at: int, end: int, *, numbers: bool) -> tuple[float, int] | None:
        """The weight that is written at a place and its end: a run of + or of -, or a number."""
        sign = self._source[at : min(at + 1, end)]
        if sign and sign in "+-":
            after = at
            while after < end and self._source[after] == sign:
                after += 1
            return power(PLUS if sign == "+" else MINUS, after - at), after
        return self.number(at, end) if numbers else None

    def number(self, at: int, end: int) -> tuple[float, int] | None:
        """A number and its end: 1, -1, 1.5, +1.5, .5 or 1., without an exponent."""
        source, start = self._source, at
        if at < end and source[at] in "+-":
            at += 1
        whole = at
        at = self._digits(at, end)
        if at < end and source[at] == ".":
            at = self._digits(at + 1, end)
            value = parse_number(source[start:at]) if at - whole > 1 else None
            if value is not None:
                return value, at
        digits = _ASCII_DIGITS.match(source, whole, end)
        if digits is None or source[start] == "+":
            return None
        value = parse_number(source[start : digits.end()])
        return None if value is None else (value, digits.end())

    def _digits(self, at: int, end: int) -> int:
        while at < end and self._source[at].isdecimal():
            at += 1
        return at

    def attend(self, at: int, end: int) -> tuple[float, int] | None:
        """The weight of .attend(weight) and the end of the call, if one follows."""
        bracket = self.call(at, ".attend", end)
        if bracket is None:
            return None
        weighted = self.weight(self.skip(bracket + 1, end), end, numbers=True)
        after = None if weighted is None else self.closing_bracket(weighted[1], end)
        return None if weighted is None or after is None else (weighted[0], after)

    def call(self, at: int, name: str, end: int) -> int | None:
        """The opening bracket of a call of `name`, if one follows."""
        at = self.skip(at, end)
        if not self._source.startswith(name, at, end):
            return None
        at = self.skip(at + len(name), end)
        return at if at < end and self._source[at] == "(" else None

    def closing_bracket(self, at: int, end: int) -> int | None:
        """The place after a closing bracket, if one follows."""
        at = self.skip(at, end)
        return at + 1 if at < end and self._source[at] == ")" else None

    def arguments(self, at: int, name: str, end: int) -> tuple[list[Option], int] | None:
        """The arguments of a call of `name` and its end, if one follows."""
        bracket = self.call(at, name, end)
        return None if bracket is None else self.closed_options(bracket + 1, end)

    def closed_options(self, at: int, end: int) -> tuple[list[Option], int] | None:
        """Options up to a closing bracket and the place after it; None if no bracket closes them."""
        options, after = self._options(at, end)
        closed = self.closing_bracket(after, end)
        return None if closed is None else (options, closed)

    def _options(self, at: int, end: int) -> tuple[list[Option], int]:
        """Options with commas between them, and their end; there may be none."""
        options: list[Option] = []
        after, at = at, self.skip(at, end)
        while option := self._option(at, end):
            options.append(option)
            after = option.span[1]
            at = self.skip(after, end)
            if at >= end or self._source[at] != ",":
                break
            at = self.skip(at + 1, end)
        return options, after

    def _option(self, at: int, end: int) -> Option | None:
        keyword = _KEYWORD.match(self._source, at, end)
        equals = self.skip(keyword.end(), end) if keyword else end
        if keyword and equals < end and self._source[equals] == "=":
            start = self.skip(equals + 1, end)
            if numeric := self.number(start, end):
                return Option(keyword.group(), numeric[0], (at, numeric[1]))
            if word := _KEYWORD.match(self._source, start, end):
                return Option(keyword.group(), word.group(), (at, word.end()))
        if numeric := self.number(at, end):
            return Option(None, numeric[0], (at, numeric[1]))
        return Option(keyword.group(), None, (at, keyword.end())) if keyword else None

    def lora(self, at: int, end: int) -> LoraCall | None:
        """The call of withLora(), or of useLora(), at a place."""
        called = next((name for name in LORA_CALLS if self._source.startswith(name, at)), "")
        bracket = self.call(at, called, end) if called else None
        name = None if bracket is None else _KEYWORD.match(self._source, self.skip(bracket + 1, end), end)
        if name is None:
            return None
        weight, after = 1.0, self.skip(name.end(), end)
        if after < end and self._source[after] == ",":
            numeric = self.number(self.skip(after + 1, end), end)
            if numeric is None:
                return None
            weight, after = numeric
        closed = self.closing_bracket(after, end)
        return None if closed is None else LoraCall(name.group(), weight, (at, closed))

    def loras(self, at: int, end: int) -> tuple[list[LoraCall], int]:
        """Calls of withLora() one after the other, and their end; there may be none."""
        loras: list[LoraCall] = []
        while lora := self.lora(self.skip(at, end), end):
            loras.append(lora)
            at = lora.span[1]
        return loras, at
