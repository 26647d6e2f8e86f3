"""The grammar of compel, read with an explicit stack and a memory instead of recursion and backtracking.

compel describes its syntax as ordered choices: try this, and if it fails, go back and try that. Tried
naively, n nested brackets cost 4**n attempts. Here every bracket, quotation and .swap() is attempted once at
each place and its outcome remembered, success or failure, so the time is linear; and open attempts are in
a list, so the depth of a text is limited by memory alone.

There are three contexts. In running text whatever cannot be read is a word up to the next white space. In
brackets and quotation marks nothing may be unreadable, and a comma or a full stop is a word of its own.
Inside .swap() not even those are allowed. A bracket or quotation with something unreadable in it is no
bracket or quotation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from negspace.prompt.compel.scanner import LORA_CALLS, SPACE, LoraCall, Option, Scanner
from negspace.prompt.tree import Span

_WHITE = re.compile(f"[{SPACE}]")


class GrammarWord(NamedTuple):
    """A word of the text, or nothing where quotation marks are empty."""

    start: int
    end: int
    unread: bool = False  # running text that could not be read as anything else


class Group(NamedTuple):
    """The content of brackets or quotation marks, and the weight put on it."""

    nodes: "list[Node]"
    weight: float
    span: Span


class SwapCall(NamedTuple):
    """original.swap(edited, options)"""

    original: "list[Node]"
    edited: "list[Node]"
    options: list[Option]
    span: Span


Node = GrammarWord | Group | SwapCall | LoraCall


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """("a", "b").blend(...) or .and(...) at the start of a text."""

    name: Literal["blend", "and"]
    parts: list[list[Node]]
    options: list[Option]
    loras: Sequence[LoraCall]
    span: Span
    rest: int  # where the text after it starts


class _Match(NamedTuple):
    after: int
    nodes: list[Node]
    options: list[Option]


_Kind = Literal["text", "group", "quote", "swap"]
_Key = tuple[_Kind, int, int]


@dataclass(slots=True)
class _Attempt:
    """An attempt to read text[start:end] as one kind of thing, which has come as far as `at`."""

    kind: _Kind
    start: int
    end: int
    at: int
    nodes: list[Node] = field(default_factory=list[Node])

    @property
    def key(self) -> _Key:
        return self.kind, self.start, self.end


class Grammar:
    """Reads one text. All places and spans are places in it."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._scanner = Scanner(source)
        self._outcomes: dict[_Key, _Match | None] = {}

    def text(self) -> list[Node]:
        """All of it as running text, which never fails."""
        return self._running_text(0, len(self._source))

    def call(self) -> FunctionCall | None:
        """The .and() or .blend() at its start, if there is one."""
        scanner, end = self._scanner, len(self._source)
        start = scanner.skip(0, end)
        listed = self._list(start)
        if listed is not None and (conjunction := self._and(listed, start)):
            return conjunction
        loras, start = scanner.loras(start, end)
        listed = self._list(start) if loras else listed
        if listed is None or (arguments := scanner.arguments(listed[1], ".blend", end)) is None:
            return None
        options, after = arguments
        more, last = scanner.loras(after, end)
        return FunctionCall(
            "blend", listed[0], options, [*loras, *more], (start, after), scanner.skip(last, end)
        )

    def _and(self, listed: tuple[list[list[Node]], int], start: int) -> FunctionCall | None:
        end = len(self._source)
        for name in (".and", ".add"):
            if arguments := self._scanner.arguments(listed[1], name, end):
                options, after = arguments
                rest = self._scanner.skip(after, end)
                return FunctionCall("and", listed[0], options, (), (start, after), rest)
        return None

    def _list(self, at: int) -> tuple[list[list[Node]], int] | None:
        """("a", (b), c): the parts and the end of the bracket. A bad quotation is read as running text."""
        source, end = self._source, len(self._source)
        at = self._scanner.skip(at, end)
        if not source.startswith("(", at):
            return None
        parts: list[list[Node]] = []
        while at < end:
            part = self._part(self._scanner.skip(at + 1, end), end)  # past the bracket or the comma
            if part is None:
                return None
            parts.append(part[0])
            at = self._scanner.skip(part[1], end)
            if source[at : at + 1] == ")":
                return parts, at + 1
            if source[at : at + 1] != ",":
                return None
        return None

    def _part(self, at: int, end: int) -> tuple[list[Node], int] | None:
        sign = self._source[at : at + 1]
        if sign and sign in '("' and (match := self._outcome("group" if sign == "(" else "quote", at, end)):
            return match.nodes, match.after
        if sign == '"':
            close = self._scanner.closing_quote(at, end)
            return (self._running_text(at + 1, close), close + 1) if close > at else None
        after = self._scanner.word(at, end)
        return ([GrammarWord(at, after)], after) if after > at else None

    def _running_text(self, start: int, end: int) -> list[Node]:
        match = self._outcome("text", start, end)
        assert match is not None
        return match.nodes

    def _outcome(self, kind: _Kind, start: int, end: int) -> _Match | None:
        """The outcome of an attempt, and first of all attempts that it depends on."""
        first = self._attempt(kind, start, end)
        stack = [] if first.key in self._outcomes else [first]
        while stack:
            attempt = stack[-1]
            outcome = self._advance(attempt)
            if isinstance(outcome, _Attempt):
                stack.append(outcome)
            else:
                self._outcomes[attempt.key] = outcome
                stack.pop()
        return self._outcomes[first.key]

    def _attempt(self, kind: _Kind, start: int, end: int) -> _Attempt:
        if kind == "quote":
            return _Attempt(kind, start, self._scanner.closing_quote(start, end), start + 1)
        return _Attempt(kind, start, end, start if kind == "text" else start + 1)

    def _advance(self, attempt: _Attempt) -> _Match | _Attempt | None:
        """Reads on until the attempt succeeds, fails, or needs the outcome of another."""
        kind, end = attempt.kind, attempt.end
        if kind == "quote" and end == attempt.start:
            return None  # it is never closed
        while True:
            attempt.at = at = self._scanner.skip(attempt.at, end)
            if at >= end:
                return self._at_the_end(attempt)
            sign = self._source[at]
            if sign == ")" and kind in ("group", "swap"):
                return _Match(at + 1, attempt.nodes, [])
            if sign == "," and kind == "swap":
                closed = self._scanner.closed_options(at + 1, end)
                return None if closed is None else _Match(closed[1], attempt.nodes, closed[0])
            outcome = self._element(attempt, at)
            if not isinstance(outcome, tuple):
                return outcome
            node, attempt.at = outcome
            attempt.nodes.append(node)

    def _at_the_end(self, attempt: _Attempt) -> _Match | None:
        """The outcome of an attempt that has come to its end."""
        end = attempt.end
        if attempt.kind == "quote":
            return _Match(end + 1, attempt.nodes or [GrammarWord(end, end)], [])
        return _Match(end, attempt.nodes, []) if attempt.kind == "text" else None

    def _element(self, attempt: _Attempt, at: int) -> tuple[Node, int] | _Attempt | None:
        """One element of a context and its end; an attempt to be made first; or None."""
        source, end, sign = self._source, attempt.end, self._source[at]
        if source.startswith(LORA_CALLS, at) and (lora := self._scanner.lora(at, end)):
            return lora, lora.span[1]
        nodes: list[Node] | None = None
        after = at
        if sign in '("':
            inner = self._attempt("group" if sign == "(" else "quote", at, end)
            if inner.key not in self._outcomes:
                return inner
            if match := self._outcomes[inner.key]:
                nodes, after = match.nodes, match.after
        elif (after := self._scanner.word(at, end)) > at:
            nodes = [GrammarWord(at, after)]
        if nodes is not None and (outcome := self._weighted_or_swapped(nodes, at, after, end)):
            return outcome
        if attempt.kind == "text":
            white = _WHITE.search(source, at, end)
            after = white.start() if white else end
            return GrammarWord(at, after, unread=True), after
        if nodes is not None:
            return GrammarWord(at, after), after
        return (GrammarWord(at, at + 1), at + 1) if sign in ",." and attempt.kind != "swap" else None

    def _weighted_or_swapped(
        self, nodes: list[Node], start: int, after: int, end: int
    ) -> tuple[Node, int] | _Attempt | None:
        """A word or group from `start` to `after` with its weight or .swap(); None for a bare word."""
        grouped = self._source[start] in '("'
        weighted = self._scanner.attend(after, end) or self._scanner.weight(after, end, numbers=grouped)
        if weighted:
            return Group(nodes, weighted[0], (start, weighted[1])), weighted[1]
        bracket = self._scanner.call(after, ".swap", end)
        if bracket is not None:
            swap = self._attempt("swap", bracket, end)
            if swap.key not in self._outcomes:
                return swap
            if match := self._outcomes[swap.key]:
                return SwapCall(nodes, match.nodes, match.options, (start, match.after)), match.after
        return (Group(nodes, 1.0, (start, after)), after) if grouped else None
