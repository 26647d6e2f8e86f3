"""The grammar of compel, read with an explicit stack and a memory instead of recursion and backtracking.

compel describes its syntax as ordered choices: try this, and if it fails, go back and try that. Tried
    naively, n
nested brackets cost 4**n attempts. Here every bracket, quotation and .swap() is attempted once at each place
and the outcome remembered, success or failure, so the time is linear; and what is under way lies on a list,
so that the depth of a text is bounded by memory alone.

There are three settings. In running text whatever cannot be read is a word up to the next white space. In
brackets and quotation marks nothing may be unreadable, and a comma or a full stop is a word of its own.
Inside .swap() not even those are allowed. A bracket or quotation with something unreadable in it is no
bracket or quotation.
"""

import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from negspace.prompt.reading import number, power
from negspace.prompt.tree import Span

PLUS, MINUS = 1.1, 0.9
_SPACE = " \t\n\r\x0b\x0c"
_SYNTAX = '()",.+-='
_SPACES = re.compile(f"[{_SPACE}]*")
_WHITE = re.compile(f"[{_SPACE}]")
_STOP = re.compile(rf'[{_SPACE}()",.+\-=\\]')
_QUOTE = re.compile(r'["\n\r]')
_KEYWORD = re.compile(r"[A-Za-z0-9_-]+")
_FIGURES = re.compile(r"[0-9]+")
_LORAS = ("useLora", "withLora")


class GrammarWord(NamedTuple):
    """A word of the text, or nothing where quotation marks are empty."""

    start: int
    end: int
    free: bool = False  # taken as it stands in running text


class Group(NamedTuple):
    """What stood in brackets or quotation marks, with the weight put on it."""

    nodes: "list[Node]"
    weight: float
    span: Span


class Swapped(NamedTuple):
    """original.swap(edited, options)"""

    original: "list[Node]"
    edited: "list[Node]"
    options: "list[Option]"
    span: Span


class Loaded(NamedTuple):
    """withLora(name, weight)"""

    name: str
    weight: float
    span: Span


Node = GrammarWord | Group | Swapped | Loaded


class Option(NamedTuple):
    """One argument of .blend(), .and() or .swap(): `key=value`, a number (without a key), or a bare key."""

    key: str | None
    value: float | str | None
    span: Span


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """("a", "b").blend(...) or .and(...) at the start of a text."""

    name: Literal["blend", "and"]
    parts: list[list[Node]]
    options: list[Option]
    loras: list[Node]
    span: Span
    rest: int  # where what follows it starts


class _Found(NamedTuple):
    after: int
    nodes: list[Node]
    options: list[Option]


_Kind = Literal["text", "group", "quote", "swap"]
_Key = tuple[_Kind, int, int]


@dataclass(slots=True)
class _Frame:
    """An attempt under way: of what kind, from where, up to where it may reach, and how far it has come."""

    kind: _Kind
    start: int
    end: int
    at: int
    nodes: list[Node] = field(default_factory=list[Node])

    @property
    def key(self) -> _Key:
        return self.kind, self.start, self.end


class Grammar:
    """Reads one text. The positions it gives are those in the text it was given."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._known: dict[_Key, _Found | None] = {}

    def text(self) -> list[Node]:
        """All of it as running text, which never fails."""
        return self._all(0, len(self._source))

    def call(self) -> FunctionCall | None:
        """The .and() or .blend() it starts with, if it does."""
        end = len(self._source)
        start = self._skip(0, end)
        listed = self._list(start)
        if listed is not None:
            parts, after = listed
            for name in (".and", ".add"):
                if found := self._arguments(after, name, end):
                    return FunctionCall(
                        "and", parts, found.options, [], (start, found.after), self._skip(found.after, end)
                    )
        loras, start = self._loras(start)
        listed = self._list(start) if loras else listed
        if listed is not None and (found := self._arguments(listed[1], ".blend", end)):
            more, after = self._loras(found.after)
            rest = self._skip(after, end)
            return FunctionCall(
                "blend", listed[0], found.options, [*loras, *more], (start, found.after), rest
            )
        return None

    # The stack and the memory.

    def _run(self, kind: _Kind, start: int, end: int) -> _Found | None:
        goal = self._frame(kind, start, end)
        stack = [] if goal.key in self._known else [goal]
        while stack:
            frame = stack[-1]
            outcome = self._advance(frame)
            if isinstance(outcome, _Frame):
                stack.append(outcome)
            else:
                self._known[frame.key] = outcome
                stack.pop()
        return self._known[goal.key]

    def _frame(self, kind: _Kind, start: int, end: int) -> _Frame:
        if kind == "quote":
            return _Frame(kind, start, self._quote_end(start, end), start + 1)
        return _Frame(kind, start, end, start if kind == "text" else start + 1)

    def _advance(self, frame: _Frame) -> "_Found | _Frame | None":
        """Reads on until the attempt succeeds, fails, or needs the outcome of another."""
        source, end = self._source, frame.end
        if frame.kind == "quote" and end == frame.start:
            return None  # it is never closed
        while True:
            frame.at = at = self._skip(frame.at, end)
            if at >= end and frame.kind == "quote":
                return _Found(end + 1, frame.nodes or [GrammarWord(end, end)], [])
            if at >= end:
                return _Found(end, frame.nodes, []) if frame.kind == "text" else None
            if source[at] == ")" and frame.kind in ("group", "swap"):
                return _Found(at + 1, frame.nodes, [])
            if source[at] == "," and frame.kind == "swap":
                options, after = self._options(at + 1, end)
                after = self._skip(after, end)
                closed = after < end and source[after] == ")"
                return _Found(after + 1, frame.nodes, options) if closed else None
            outcome = self._element(frame, at)
            if not isinstance(outcome, tuple):
                return outcome
            node, frame.at = outcome
            frame.nodes.append(node)

    def _element(self, frame: _Frame, at: int) -> tuple[Node, int] | _Frame | None:
        """One element of a setting and where it ends; an attempt to be made first; or None."""
        source, end, sign = self._source, frame.end, self._source[at]
        if source.startswith(_LORAS, at) and (lora := self._lora(at, end)):
            return lora
        nodes: list[Node] | None = None
        after = at
        if sign in '("':
            inner = self._frame("group" if sign == "(" else "quote", at, end)
            if inner.key not in self._known:
                return inner
            if found := self._known[inner.key]:
                nodes, after = found.nodes, found.after
        elif (after := self._word(at, end)) > at:
            nodes = [GrammarWord(at, after)]
        if nodes is not None:
            weighted = self._attend(after, end) or self._suffix(after, end, numbers=sign in '("')
            if weighted:
                return Group(nodes, weighted[0], (at, weighted[1])), weighted[1]
            bracket = self._bracket_of(after, ".swap", end)
            if bracket is not None:
                swap = self._frame("swap", bracket, end)
                if swap.key not in self._known:
                    return swap
                if found := self._known[swap.key]:
                    return Swapped(nodes, found.nodes, found.options, (at, found.after)), found.after
            if sign in '("':
                return Group(nodes, 1.0, (at, after)), after
        if frame.kind == "text":
            white = _WHITE.search(source, at, end)
            after = white.start() if white else end
            return GrammarWord(at, after, free=True), after
        if nodes is not None:
            return GrammarWord(at, after), after
        return (GrammarWord(at, at + 1), at + 1) if sign in ",." and frame.kind != "swap" else None

    # What needs no stack.

    def _skip(self, at: int, end: int) -> int:
        white = _SPACES.match(self._source, at, end)
        return white.end() if white else at

    def _word(self, at: int, end: int) -> int:
        """Where a word without syntax ends. + and - belong to it if a letter follows; a backslash frees."""
        source = self._source
        while stop := _STOP.search(source, at, end):
            at = stop.start()
            following = source[at + 1 : min(at + 2, end)]
            if source[at] == "\\":
                at += 2 if following and following in _SYNTAX else 1
            elif source[at] in "+-" and following and following not in _SPACE and following not in _SYNTAX:
                at += 1
            else:
                return at
        return end

    def _quote_end(self, start: int, end: int) -> int:
        """The closing quotation mark on the same line, an escaped one if need be; `start` if none."""
        source, at, escaped = self._source, start + 1, start
        while found := _QUOTE.search(source, at, end):
            at = found.start()
            if source[at] != '"':
                break
            if source[at - 1] != "\\":
                return at
            escaped = at
            at += 1
        return escaped

    def _suffix(self, at: int, end: int, *, numbers: bool) -> tuple[float, int] | None:
        """The weight written at `at` and where it ends: a run of + or of -, or a number."""
        sign = self._source[at : min(at + 1, end)]
        if sign and sign in "+-":
            after = at
            while after < end and self._source[after] == sign:
                after += 1
            return power(PLUS if sign == "+" else MINUS, after - at), after
        return self._number(at, end) if numbers else None

    def _number(self, at: int, end: int) -> tuple[float, int] | None:
        """A number and where it ends: 1, -1, 1.5, +1.5, .5 or 1., without an exponent."""
        source, start = self._source, at
        if at < end and source[at] in "+-":
            at += 1
        whole = at
        while at < end and source[at].isdecimal():
            at += 1
        if at < end and source[at] == ".":
            point = at
            at += 1
            while at < end and source[at].isdecimal():
                at += 1
            value = number(source[start:at]) if at - whole > 1 else None
            if value is not None:
                return value, at
            at = point
        figures = _FIGURES.match(source, whole, end)
        if figures is None or source[start] == "+":
            return None
        value = number(source[start : figures.end()])
        return None if value is None else (value, figures.end())

    def _attend(self, at: int, end: int) -> tuple[float, int] | None:
        bracket = self._bracket_of(at, ".attend", end)
        if bracket is None:
            return None
        weighted = self._suffix(self._skip(bracket + 1, end), end, numbers=True)
        after = self._skip(weighted[1], end) if weighted else end
        return (weighted[0], after + 1) if weighted and after < end and self._source[after] == ")" else None

    def _bracket_of(self, at: int, name: str, end: int) -> int | None:
        """The opening bracket of a call of `name`, if one follows."""
        at = self._skip(at, end)
        if not self._source.startswith(name, at, end):
            return None
        at = self._skip(at + len(name), end)
        return at if at < end and self._source[at] == "(" else None

    def _arguments(self, at: int, name: str, end: int) -> _Found | None:
        bracket = self._bracket_of(at, name, end)
        if bracket is None:
            return None
        options, after = self._options(bracket + 1, end)
        after = self._skip(after, end)
        return _Found(after + 1, [], options) if after < end and self._source[after] == ")" else None

    def _options(self, at: int, end: int) -> tuple[list[Option], int]:
        """Options with commas between them, and where they end; there may be none."""
        options: list[Option] = []
        after, at = at, self._skip(at, end)
        while option := self._option(at, end):
            options.append(option)
            after = option.span[1]
            at = self._skip(after, end)
            if at >= end or self._source[at] != ",":
                break
            at = self._skip(at + 1, end)
        return options, after

    def _option(self, at: int, end: int) -> Option | None:
        keyword = _KEYWORD.match(self._source, at, end)
        equals = self._skip(keyword.end(), end) if keyword else end
        if keyword and equals < end and self._source[equals] == "=":
            start = self._skip(equals + 1, end)
            if numeric := self._number(start, end):
                return Option(keyword.group(), numeric[0], (at, numeric[1]))
            if word := _KEYWORD.match(self._source, start, end):
                return Option(keyword.group(), word.group(), (at, word.end()))
        if numeric := self._number(at, end):
            return Option(None, numeric[0], (at, numeric[1]))
        return Option(keyword.group(), None, (at, keyword.end())) if keyword else None

    def _lora(self, at: int, end: int) -> tuple[Loaded, int] | None:
        bracket = self._bracket_of(
            at, "useLora" if self._source.startswith("useLora", at) else "withLora", end
        )
        name = None if bracket is None else _KEYWORD.match(self._source, self._skip(bracket + 1, end), end)
        if name is None:
            return None
        weight, after = 1.0, self._skip(name.end(), end)
        if after < end and self._source[after] == ",":
            numeric = self._number(self._skip(after + 1, end), end)
            if numeric is None:
                return None
            weight, after = numeric[0], self._skip(numeric[1], end)
        if after >= end or self._source[after] != ")":
            return None
        return Loaded(name.group(), weight, (at, after + 1)), after + 1

    def _loras(self, at: int) -> tuple[list[Node], int]:
        loras: list[Node] = []
        while lora := self._lora(self._skip(at, len(self._source)), len(self._source)):
            loras.append(lora[0])
            at = lora[1]
        return loras, at

    def _all(self, start: int, end: int) -> list[Node]:
        found = self._run("text", start, end)
        assert found is not None
        return found.nodes

    def _list(self, at: int) -> tuple[list[list[Node]], int] | None:
        """("a", (b), c): the parts and where the bracket ends. A bad quotation is read as running text."""
        source, end = self._source, len(self._source)
        at = self._skip(at, end)
        if not source.startswith("(", at):
            return None
        parts: list[list[Node]] = []
        while at < end:
            at = self._skip(at + 1, end)  # past the bracket or the comma
            part = self._part(at, end)
            if part is None:
                return None
            parts.append(part[0])
            at = self._skip(part[1], end)
            if source[at : at + 1] == ")":
                return parts, at + 1
            if source[at : at + 1] != ",":
                return None
        return None

    def _part(self, at: int, end: int) -> tuple[list[Node], int] | None:
        sign = self._source[at : at + 1]
        if sign and sign in '("' and (found := self._run("group" if sign == "(" else "quote", at, end)):
            return found.nodes, found.after
        if sign == '"':
            close = self._quote_end(at, end)
            return (self._all(at + 1, close), close + 1) if close > at else None
        after = self._word(at, end)
        return ([GrammarWord(at, after)], after) if after > at else None
