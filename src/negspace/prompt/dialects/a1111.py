"""a1111: AUTOMATIC1111's attention syntax, and the default dialect.

`(x)` is x1.1, `[x]` is /1.1, `(x:1.3)` is x1.3; ranges that lie in each other multiply. A backslash makes the
next bracket or backslash a letter. A bracket that is never closed acts to the end; one that closes nothing is
a letter. Round and square brackets do not see each other: in `(a [b) c]` the round range is `a b`, the square
one `b c`.

One scan over the characters finds the pieces and which ranges they lie in. Only then are the factors known,
so the weights are multiplied out afterwards, innermost range first as AUTOMATIC1111 does: 1.3 * 1.1 * 1.1 and
1.1 * 1.1 * 1.3 differ in their last digit.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from negspace.prompt.reading import DOWN, LARGEST, UP, Notes, number, spell, times, words_at
from negspace.prompt.tree import EMPTY, Chunk, Prompt
from negspace.prompt.writing import refuse_structure, runs_together

NAME = "a1111"
BREAK_WEIGHT = -1.0
_SPECIAL = re.compile(r"[\\()\[\]:]")
_ESCAPABLE = frozenset("\\()[]")
_ESCAPES = str.maketrans({sign: "\\" + sign for sign in _ESCAPABLE})
_OUTSIDE = -1
# Ranges around a piece that are multiplied one by one, innermost first, as AUTOMATIC1111 does. What lies
# outside of those has one product a range, computed once: a text of n nested brackets takes n
# multiplications, not n * n.
_EXACT_DEPTH = 16


def parse(source: str, notes: Notes) -> Prompt:
    """Reads `source`; what cannot be read is text, and noted."""
    return Prompt(_merged(_Scan(source, notes)), NAME, source, notes.findings)


class _Piece(NamedTuple):
    text: str
    start: int
    end: int
    round: int  # innermost round range it lies in, or _OUTSIDE
    square: int
    is_break: bool = False


class _Scan:
    """The pieces of a text and the ranges they lie in.

    A range is a number; its factor, the range of its own kind around it, and the place it closes at are
    looked up by that number, with the last entry of each list standing for _OUTSIDE.
    """

    def __init__(self, source: str, notes: Notes) -> None:
        self.source = source
        self.notes = notes
        self.pieces: list[_Piece] = []
        self.factor: list[float] = []
        self.around: list[int] = []
        self.closed: list[int] = []
        self._opened: list[int] = []
        self._rounds: list[int] = []
        self._squares: list[int] = []
        self._literal: list[_Piece] = []  # opening brackets that turned out to be letters
        self._colon = -1  # the last colon, as long as nothing but text stands behind it
        self._run()

    def _run(self) -> None:
        source, at, text_from = self.source, 0, 0
        while special := _SPECIAL.search(source, at):
            at = special.start()
            sign = source[at]
            if sign == ":":
                self._colon = at
                close = self._weight_end(at)
                if close is None:
                    at += 1
                    continue
                self._text(text_from, at)
                text_from = at = self._close_weighted(at, close)
            elif sign == "\\":
                self._text(text_from, at)
                text_from = at = self._escape(at)
                self._colon = -1
            else:
                self._text(text_from, at)
                text_from = at = self._bracket(sign, at)
                self._colon = -1
        self._text(text_from, len(source))
        self._close_rest()

    def _add(self, text: str, start: int, end: int) -> None:
        self.pieces.append(_Piece(text, start, end, self._round, self._square))

    @property
    def _round(self) -> int:
        return self._rounds[-1] if self._rounds else _OUTSIDE

    @property
    def _square(self) -> int:
        return self._squares[-1] if self._squares else _OUTSIDE

    def _text(self, start: int, end: int) -> None:
        """Text between two marks; the word BREAK in it takes the white space around it along."""
        for first, word, last in words_at(self.source, "BREAK", start, end):
            if start < first:
                self._add(self.source[start:first], start, first)
            self.pieces.append(_Piece("BREAK", word, word + 5, _OUTSIDE, _OUTSIDE, is_break=True))
            start = last
        if start < end:
            self._add(self.source[start:end], start, end)

    def _escape(self, at: int) -> int:
        following = self.source[at + 1 : at + 2]
        if following in _ESCAPABLE:
            self._add(following, at, at + 2)
            return at + 2
        self.notes.warn(
            "escape", "this backslash escapes nothing and is dropped; write \\\\ to keep it", (at, at + 1)
        )
        return at + 1

    def _bracket(self, sign: str, at: int) -> int:
        if sign in "([":
            stack = self._rounds if sign == "(" else self._squares
            self.around.append(stack[-1] if stack else _OUTSIDE)
            stack.append(len(self.factor))
            self.factor.append(UP if sign == "(" else DOWN)
            self.closed.append(len(self.source))
            self._opened.append(at)
        else:
            stack = self._rounds if sign == ")" else self._squares
            if stack:
                if sign == "]":
                    self._mention_schedule(at)
                self.closed[stack.pop()] = at
            else:
                self._unopened(sign, at)
                self._add(sign, at, at + 1)
        return at + 1

    def _weight_end(self, colon: int) -> int | None:
        """The closing bracket, if a sign, digits and dots are all that stands between it and the colon."""
        source, at, end = self.source, colon + 1, len(self.source)
        while at < end and source[at].isspace():
            at += 1
        if at < end and source[at] in "+-":
            at += 1
        digits = at
        while at < end and (source[at] == "." or source[at].isdecimal()):
            at += 1
        if at == digits:
            return None
        while at < end and source[at].isspace():
            at += 1
        return at if at < end and source[at] == ")" else None

    def _close_weighted(self, colon: int, close: int) -> int:
        source, end = self.source, close + 1
        weight = number(source[colon + 1 : close])
        if not self._rounds:
            self._unopened(")", close)
            self._add(source[colon:end], colon, end)
        elif weight is None:
            group = self._rounds.pop()
            self.closed[group], self.factor[group] = close, 1.0
            opened = self._opened[group]
            self._literal.append(_Piece("(", opened, opened + 1, group, self._square))
            said = source[colon + 1 : close].strip()
            self.notes.warn(
                "number", f"{said[:40]!r} is not a weight; the bracket is read as text", (colon + 1, close)
            )
            self._add(source[colon:end], colon, end)
        else:
            group = self._rounds.pop()
            self.closed[group], self.factor[group] = close, weight
        return end

    def _close_rest(self) -> None:
        end = len(self.source)
        for group in (*self._rounds, *self._squares):
            opened = self._opened[group]
            sign = self.source[opened]
            trouble = f"this {sign!r} is never closed and acts to the end; write \\{sign} for the letter"
            self.notes.warn("unbalanced", trouble, (opened, opened + 1))
        for group in self._squares:
            self.closed[group] = end + 1  # AUTOMATIC1111 closes the round ones first
        if self._literal:
            self.pieces = sorted([*self.pieces, *self._literal], key=lambda piece: piece.start)

    def _unopened(self, sign: str, at: int) -> None:
        self.notes.warn(
            "unbalanced",
            f"this {sign!r} closes nothing and is read as a letter; write \\{sign}",
            (at, at + 1),
        )

    def _mention_schedule(self, close: int) -> None:
        if self._colon > 0 and number(self.source[self._colon + 1 : close]) is not None:
            self.notes.mention(
                "schedule",
                "[text:number] is a schedule, not a weight; a weight is (text:number)",
                (self._colon, close),
            )


class _Weights:
    """The weight of a piece: the product of the factors of all ranges it lies in."""

    def __init__(self, scan: _Scan) -> None:
        self._factor = [*scan.factor, 1.0]
        self._around = [*scan.around, _OUTSIDE]
        self._closed = [*scan.closed, len(scan.source) + 2]
        self._whole = [1.0] * len(self._factor)  # a range's factor times those of all its own kind around it
        for group, factor in enumerate(scan.factor):
            self._whole[group] = times(self._whole[scan.around[group]], factor)
        self._known: dict[tuple[int, int], float] = {}

    def of(self, piece: _Piece) -> float:
        key = piece.round, piece.square
        if key not in self._known:
            self._known[key] = self._product(*key)
        return self._known[key]

    def _product(self, inner: int, square: int) -> float:
        product = 1.0
        for _ in range(_EXACT_DEPTH):
            if inner == _OUTSIDE and square == _OUTSIDE:
                return product
            if self._closed[inner] <= self._closed[square]:
                product = times(product, self._factor[inner])
                inner = self._around[inner]
            else:
                product = times(product, self._factor[square])
                square = self._around[square]
        return times(times(product, self._whole[inner]), self._whole[square])


def _merged(scan: _Scan) -> tuple[Chunk, ...]:
    """Chunks: neighbours of the same weight are one."""
    weights = _Weights(scan)
    chunks: list[Chunk] = []
    texts: list[str] = []
    weight, start, end = 1.0, 0, 0

    def finish() -> None:
        if texts:
            chunks.append(Chunk("".join(texts), weight, (start, end)))
            texts.clear()

    for piece in scan.pieces:
        if piece.is_break:
            finish()
            chunks.append(Chunk(piece.text, BREAK_WEIGHT, (piece.start, piece.end), "break"))
            continue
        own = weights.of(piece)
        if abs(own) == LARGEST:
            scan.notes.warn(
                "weight-range", "the weights around this are too large to multiply", (piece.start, piece.end)
            )
        if own != weight or not texts:
            finish()
            weight, start = own, piece.start
        texts.append(piece.text)
        end = piece.end
    finish()
    return tuple(chunks) or (EMPTY,)


def write(prompt: Prompt) -> str:
    """The text that AUTOMATIC1111 reads as these chunks. Neighbours of one weight become one chunk.

    Raises:
        PromptError: the prompt asks for one of compel's functions.
    """
    refuse_structure(prompt, "a1111")
    written: list[str] = []
    before: Chunk | None = None
    for chunk in prompt.chunks:
        if chunk.kind == "break":
            written.append(_break_after(before))
        elif chunk.text:
            if before is not None and before.kind == "break":
                written.append("()" if chunk.weight == 1.0 and chunk.text[0].isspace() else " ")
            elif before is not None and runs_together(before, chunk, prompt.dialect):
                written.append(" ")
            text = _escaped(chunk.text)
            written.append(text if chunk.weight == 1.0 else f"({text}:{spell(chunk.weight)})")
        else:
            continue
        before = chunk
    return "".join(written)


def _break_after(before: Chunk | None) -> str:
    # BREAK takes the white space around it along; an empty bracket keeps what belongs to the text.
    if before is None:
        return "BREAK"
    return (
        "()BREAK"
        if before.kind == "text" and before.weight == 1.0 and before.text[-1].isspace()
        else " BREAK"
    )


def _escaped(text: str) -> str:
    """`text` with brackets and backslashes escaped, and AND and BREAK taken apart by empty brackets."""
    cuts = sorted(at + 1 for word in ("AND", "BREAK") for _, at, _ in words_at(text, word, 0, len(text)))
    pieces = (text[start:end] for start, end in pairwise((0, *cuts, len(text))))
    return "()".join(piece.translate(_ESCAPES) for piece in pieces)
