"""The a1111 dialect, which is the default: the attention syntax of AUTOMATIC1111.

`(x)` is x1.1, `[x]` is /1.1, `(x:1.3)` is x1.3; nested ranges multiply. A backslash makes the next bracket or
backslash a letter. A bracket that is never closed applies to the end; one that closes nothing is a letter.
Round and square brackets are matched independently of each other: in `(a [b) c]` the round range is `a b` and
the square range is `b c`.

One scan over the characters finds the pieces of text and the ranges around each. The factors are known only
after that, so the weights are computed last, innermost range first as in AUTOMATIC1111: 1.3 * 1.1 * 1.1 and
1.1 * 1.1 * 1.3 differ in their last digit. Also as there, a piece may be empty: one stands for a backslash
that escapes nothing, and on either side of BREAK, and it divides what has another weight than itself. BREAK
is a piece of weight -1, which the ranges around it multiply. AUTOMATIC1111 then takes it for a word; here it
is a break at any weight.
"""

import re
from itertools import groupby, pairwise
from typing import NamedTuple

from negspace.prompt.dialect import Dialect
from negspace.prompt.reading import (
    DOWN,
    LARGEST_WEIGHT,
    UP,
    FindingCollector,
    format_weight,
    looks_numeric,
    parse_number,
    product,
    whole_words,
)
from negspace.prompt.tags import lora_tag
from negspace.prompt.tree import EMPTY, Chunk, Prompt
from negspace.prompt.writing import refuse_structure

NAME = "a1111"
BREAK = "BREAK"
BREAK_WEIGHT = -1.0
_SPECIAL = re.compile(r"[\\()\[\]:]")
_ESCAPABLE = frozenset("\\()[]")
_ESCAPES = str.maketrans({sign: "\\" + sign for sign in _ESCAPABLE})
_OUTSIDE = -1
# How many multiplications a text may take. AUTOMATIC1111 multiplies the ranges around a piece one by one,
# innermost first, n * n times for n nested brackets. Where that is more than this, the outermost ranges
# contribute one product that is computed once for each range; the last digits may differ then.
_MULTIPLICATIONS = 1_000_000


def parse(source: str, findings: FindingCollector) -> Prompt:
    """Reads `source`; what cannot be read is text, with a finding."""
    return Prompt(_merged(_Scan(source, findings)), NAME, source, findings.collected())


class _Piece(NamedTuple):
    text: str
    start: int
    end: int
    round: int  # innermost round range around it, or _OUTSIDE
    square: int  # innermost square range around it, or _OUTSIDE
    sign: float = 1.0  # -1 for BREAK


class _Scan:
    """The pieces of a text and the ranges around them.

    A range is a number, the index of its factor, of the range of its own kind around it, and of the place
    where it closes.
    """

    def __init__(self, source: str, findings: FindingCollector) -> None:
        self.source = source
        self.findings = findings
        self.pieces: list[_Piece] = []
        self.factor: list[float] = []
        self.around: list[int] = []
        self.closed: list[int] = []
        self._opened: list[int] = []
        self._rounds: list[int] = []
        self._squares: list[int] = []
        self._literal: list[_Piece] = []  # opening brackets that turned out to be letters
        self._colon = -1  # the last colon, if only text follows it so far
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
        """Text between two marks. The white space around the word BREAK is dropped."""
        if start == end:
            return
        for first, word, last in whole_words(self.source, "BREAK", start, end):
            self._add(self.source[start:first], start, first)
            self.pieces.append(_Piece(BREAK, word, word + 5, self._round, self._square, BREAK_WEIGHT))
            start = last
        self._add(self.source[start:end], start, end)

    def _escape(self, at: int) -> int:
        following = self.source[at + 1 : at + 2]
        if following in _ESCAPABLE:
            self._add(following, at, at + 2)
            return at + 2
        self.findings.warn(
            "escape", "this backslash escapes nothing and is dropped; write \\\\ to keep it", (at, at + 1)
        )
        self._add("", at, at + 1)
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
                self._note_number(sign, at)
                self.closed[stack.pop()] = at
            else:
                self._unopened(sign, at)
                self._add(sign, at, at + 1)
        return at + 1

    def _weight_end(self, colon: int) -> int | None:
        """The closing bracket, if there are only a sign, digits and dots between it and the colon."""
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
        weight = parse_number(source[colon + 1 : close])
        if not self._rounds:
            self._unopened(")", close)
            self._add(source[colon:end], colon, end)
        elif weight is None:
            group = self._rounds.pop()
            self.closed[group], self.factor[group] = close, 1.0
            opened = self._opened[group]
            self._literal.append(_Piece("(", opened, opened + 1, group, self._square))
            number = source[colon + 1 : close].strip()
            self.findings.warn(
                "number", f"{number[:40]!r} is not a weight; the bracket is read as text", (colon + 1, close)
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
            message = f"this {sign!r} is never closed and acts to the end; write \\{sign} for the letter"
            self.findings.warn("unbalanced", message, (opened, opened + 1))
        for group in self._squares:
            self.closed[group] = end + 1  # AUTOMATIC1111 closes the round ones first
        if self._literal:
            self.pieces = sorted([*self.pieces, *self._literal], key=lambda piece: piece.start)

    def _unopened(self, sign: str, at: int) -> None:
        self.findings.warn(
            "unbalanced",
            f"this {sign!r} closes nothing and is read as a letter; write \\{sign}",
            (at, at + 1),
        )

    def _note_number(self, sign: str, close: int) -> None:
        """Names a number at the end of a bracket that is no weight."""
        number = self.source[self._colon + 1 : close]
        if self._colon < 0 or not looks_numeric(number):
            return
        place = (self._colon, close)
        if sign == ")":
            text = f"{number.strip()[:40]!r} is not a weight; it is read as text"
            self.findings.warn("number", text, place)
        elif parse_number(number) is not None:
            text = "[text:number] is a schedule, not a weight; a weight is (text:number)"
            self.findings.note("schedule", text, place)


class _Weights:
    """The weight of a piece: the product of the factors of all ranges around it.

    The last entry of each list is that of _OUTSIDE.
    """

    def __init__(self, scan: _Scan) -> None:
        self._factor = [*scan.factor, 1.0]
        self._around = [*scan.around, _OUTSIDE]
        self._closed = [*scan.closed, len(scan.source) + 2]
        self._whole = [1.0] * len(self._factor)  # factor of a range times those of its own kind around it
        for group, factor in enumerate(scan.factor):
            self._whole[group] = product(self._whole[scan.around[group]], factor)
        self._known: dict[tuple[int, int], float] = {}
        self._depth = _MULTIPLICATIONS // (len(scan.pieces) + 1)

    def of(self, piece: _Piece) -> float:
        key = piece.round, piece.square
        if key not in self._known:
            self._known[key] = self._product(*key)
        return self._known[key] * piece.sign

    def _product(self, inner: int, square: int) -> float:
        weight = 1.0
        for _ in range(self._depth):
            if inner == _OUTSIDE and square == _OUTSIDE:
                return weight
            if self._closed[inner] <= self._closed[square]:
                weight = product(weight, self._factor[inner])
                inner = self._around[inner]
            else:
                weight = product(weight, self._factor[square])
                square = self._around[square]
        return product(product(weight, self._whole[inner]), self._whole[square])


def _merged(scan: _Scan) -> tuple[Chunk, ...]:
    """The chunks: adjacent pieces of the same weight are one, and those without text are left out."""
    weights = _Weights(scan)
    chunks = (_chunk(scan, list(same), weight) for weight, same in groupby(scan.pieces, key=weights.of))
    return tuple(chunk for chunk in chunks if chunk.text) or (EMPTY,)


def _chunk(scan: _Scan, pieces: list[_Piece], weight: float) -> Chunk:
    text = "".join([piece.text for piece in pieces])
    worded = [piece for piece in pieces if piece.text] or pieces
    span = (worded[0].start, worded[-1].end)
    if text and abs(weight) == LARGEST_WEIGHT:
        scan.findings.warn("weight-range", "the weights around this are too large to multiply", span)
    breaks = [(piece.start, piece.end) for piece in pieces if piece.sign == BREAK_WEIGHT]
    if breaks and text != BREAK:
        scan.findings.warn("break", "BREAK at the weight 0 is a part of the text around it", breaks[0])
    elif breaks and weight != BREAK_WEIGHT:
        message = "BREAK in brackets ends a window here; AUTOMATIC1111 weighs it and encodes it as a word"
        scan.findings.note("break", message, breaks[0])
    return Chunk(text, weight, span, "break" if breaks and text == BREAK else "text")


def write(prompt: Prompt) -> str:
    """The text that AUTOMATIC1111 reads as these chunks. Adjacent chunks of one weight become one chunk.

    Raises:
        PromptError: the prompt has a function of compel.
    """
    refuse_structure(prompt, "a1111")
    tags = "".join(map(lora_tag, prompt.loras))
    written: list[str] = []
    before: Chunk | None = None
    for chunk in prompt.chunks:
        if chunk.kind == "break":
            written.append(_break(chunk, before))
        elif chunk.text:
            if before is not None and before.kind == "break" and before.weight == BREAK_WEIGHT:
                written.append("()" if chunk.weight == 1.0 and chunk.text[0].isspace() else " ")
            elif before is not None and _needs_space(before, chunk, prompt.separator):
                written.append(" ")
            text = _escaped(chunk.text)
            written.append(text if chunk.weight == 1.0 else f"({text}:{format_weight(chunk.weight)})")
        else:
            continue
        before = chunk
    return "".join(written) + tags


def _needs_space(left: Chunk, right: Chunk, separator: str) -> bool:
    """Whether two chunks with text need a space between them.

    Adjacent chunks of one weight become one, in which their words would run together. Chunks with a separator
    have no white space of their own, and would be hard to read without it.
    """
    spaced = left.text[-1].isspace() or right.text[0].isspace()
    return not spaced and (left.weight == right.weight or bool(separator))


def _break(chunk: Chunk, before: Chunk | None) -> str:
    """BREAK, and an empty bracket before it where the white space at the end of the text would be dropped."""
    if chunk.weight != BREAK_WEIGHT:
        return f"({BREAK}:{format_weight(-chunk.weight)})"
    if before is None:
        return BREAK
    plain = before.kind == "text" and before.weight == 1.0
    return f"(){BREAK}" if plain and before.text[-1].isspace() else f" {BREAK}"


def _escaped(text: str) -> str:
    """`text` with brackets and backslashes escaped, and AND and BREAK divided by empty brackets."""
    cuts = sorted(at + 1 for word in ("AND", "BREAK") for _, at, _ in whole_words(text, word, 0, len(text)))
    pieces = (text[start:end] for start, end in pairwise((0, *cuts, len(text))))
    return "()".join(piece.translate(_ESCAPES) for piece in pieces)


DIALECT = Dialect(
    NAME,
    parse,
    write,
    timed=True,
    native=frozenset({"weight", "schedule", "square", "break", "and", "tag"}),
)
