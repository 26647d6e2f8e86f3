"""compel: the syntax of the compel library.

`word+`, `(some words)--` weigh 1.1 or 0.9 to the power of the signs, `(some words)1.3` and `.attend(1.3)`
weigh 1.3; groups in each other multiply. `"a".swap(b)`, `("a", "b").blend(1, 0.5)`, `("a", "b").and()` and
`withLora(name, 0.5)` are its functions. Words are joined by single spaces. What is badly formed is text, as
in compel.

Where compel raises an error, this reads the text as text and notes it. Three accidents are not copied: in
quotation marks compel takes \\n, \\t and the like for the sign they stand for in Python and loses the
letters; several backslashes before a bracket all vanish there, here the last one does; and vertical tabs are
white space here.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Literal, NamedTuple

from negspace.prompt.compel.grammar import (
    FunctionCall,
    Grammar,
    GrammarWord,
    Group,
    Loaded,
    Node,
    Option,
    Swapped,
)
from negspace.prompt.reading import LARGEST, Notes, times
from negspace.prompt.tree import (
    EMPTY,
    Blend,
    Chunk,
    Conjunction,
    Lora,
    Passage,
    Prompt,
    Span,
    Structure,
    Swap,
)

NAME = "compel"
_SWAP_OPTIONS = ("s_start", "s_end", "t_start", "t_end")
_LETTER_SYNTAX = re.compile(r'(?<!\\)[()"]')


def parse(source: str, notes: Notes) -> Prompt:
    """Reads `source`; what cannot be read is text, and noted."""
    return _Reading(source, notes).prompt()


def _spaced(source: str) -> tuple[str, list[int]]:
    """`source` with a space after every comma that has none, and where the spaces are, as compel prepares a
    text.

    A comma that follows such a comma at once is left alone, also as there.
    """
    parts: list[str] = []
    spaces: list[int] = []
    done, comma = 0, source.find(",")
    while comma >= 0:
        after = comma + 1
        if after < len(source) and not source[after].isspace():
            parts += source[done:after], " "
            spaces.append(after + len(spaces))
            done, after = after, after + 1
        comma = source.find(",", after)
    return "".join((*parts, source[done:])), spaces


class _Reading:
    def __init__(self, source: str, notes: Notes) -> None:
        self._source = source
        self._notes = notes
        self._text, self._spaces = _spaced(source)
        self._loras: list[Lora] = []

    def prompt(self) -> Prompt:
        grammar = Grammar(self._text)
        call = grammar.call()
        structure = None if call is None else self._structure(call)
        if structure is None:
            structure = self._passage(grammar.text(), (0, len(self._text)))
        parts = (structure,) if isinstance(structure, Passage) else structure.parts
        chunks = tuple(chunk for part in parts for chunk in part.chunks)
        row = isinstance(structure, Passage) and not any(
            isinstance(piece, Swap) for piece in structure.pieces
        )
        return Prompt(
            chunks, NAME, self._source, self._notes.findings, None if row else structure, tuple(self._loras)
        )

    def _structure(self, call: FunctionCall) -> Structure | None:
        """The function that the whole text is; None, and a note, where it cannot be carried out."""
        weights = [option.value for option in call.options]
        normalize = True
        if call.name == "blend" and call.options and call.options[-1].key == "no_normalize":
            normalize = False
            weights.pop()
        span = self._place(call.span)
        trouble = self._trouble(call, weights)
        if trouble is not None:
            self._notes.warn("function", f"{trouble}; it is read as text", span)
            return None
        kept = len(self._loras)
        parts = [self._pieces(part) for part in call.parts]
        if call.name == "blend" and any(isinstance(piece, Swap) for part in parts for piece in part):
            del self._loras[kept:]
            self._notes.warn("function", ".swap() cannot be part of a .blend(); it is read as text", span)
            return None
        self._loras += [self._lora(node) for node in call.loras if isinstance(node, Loaded)]
        numbers = [weight for weight in weights if isinstance(weight, float)] or [1.0] * len(parts)
        if call.rest < len(self._text):
            rest = self._place((call.rest, len(self._text)))
            self._notes.warn("ignored", "what follows .and() is ignored; put it in a part", rest)
        if call.name == "and":  # compel drops a part of nothing at all, such as (), together with its weight
            numbers = [weight for weight, part in zip(numbers, parts, strict=True) if part]
            parts = [part for part in parts if part] or [[EMPTY]]
        passages = tuple(Passage(tuple(part) or (EMPTY,), span) for part in parts)
        if call.name == "blend":
            return Blend(passages, tuple(numbers), normalize, span)
        return Conjunction(passages, tuple(numbers) or (1.0,), span)

    def _trouble(self, call: FunctionCall, weights: list[float | str | None]) -> str | None:
        if call.name == "blend" and call.rest < len(self._text):
            return "text follows .blend(), which has to stand alone"
        for weight, option in zip(weights, call.options, strict=False):
            if option.key is not None or not isinstance(weight, float):
                return f"{self._text[slice(*option.span)]!r} is not a weight of .{call.name}()"
        if weights and len(weights) != len(call.parts):
            return f".{call.name}() has {len(call.parts)} parts and {len(weights)} weights"
        return None

    def _place(self, span: Span) -> Span:
        """The place in the source of a span of the text with spaces put in."""
        start, end = (at - bisect_left(self._spaces, at) for at in span)
        return start, end

    def _passage(self, nodes: list[Node], span: Span) -> Passage:
        return Passage(tuple(self._pieces(nodes)) or (EMPTY,), self._place(span))

    def _pieces(self, nodes: list[Node]) -> list[Chunk | Swap]:
        pieces: list[Chunk | Swap] = []
        run: list[_Weighed] = []
        for part in self._flat(nodes, 1.0):
            if isinstance(part, _Weighed):
                run.append(part)
            else:
                pieces += self._chunks(run)
                pieces.append(self._swap(*part))
                run = []
        return [*pieces, *self._chunks(run)]

    def _flat(self, nodes: list[Node], weight: float) -> "Iterator[_Weighed | tuple[Swapped, float]]":
        """The words and swaps in order, each with the product of the weights around it, outermost first."""
        open_groups = [(iter(nodes), weight)]
        while open_groups:
            inside, weight = open_groups[-1]
            node = next(inside, None)
            match node:
                case None:
                    open_groups.pop()
                case GrammarWord():
                    yield _Weighed(node, weight)
                case Group(weight=own):
                    self._check_number(node)
                    open_groups.append((iter(node.nodes), times(weight, own)))
                case Swapped():
                    yield node, weight
                case Loaded():
                    self._loras.append(self._lora(node))

    def _chunks(self, run: "list[_Weighed]") -> list[Chunk]:
        """Chunks: neighbours of the same weight are one, with single spaces between."""
        chunks: list[Chunk] = []
        for weight, same in groupby(run, key=lambda part: part.weight):
            words = [part.word for part in same]
            span = self._place((words[0].start, words[-1].end))
            if abs(weight) == LARGEST:
                self._notes.warn("weight-range", "the weights around this are too large to multiply", span)
            chunks.append(Chunk(" ".join(map(self._letters, words)), weight, span))
        return chunks

    def _letters(self, word: GrammarWord) -> str:
        text = self._text[word.start : word.end]
        if word.free and _LETTER_SYNTAX.search(text):
            self._notes.warn(
                "unbalanced",
                f"the brackets or quotation marks in {text[:40]!r} are not in order and are read as letters",
                self._place((word.start, word.end)),
            )
        return text.replace("\\(", "(").replace("\\)", ")").replace('\\"', '"')

    def _check_number(self, group: Group) -> None:
        end = group.span[1]
        tail = self._text[end : end + 1]
        if self._text[end - 1].isdecimal() and (tail == "." or tail.isdecimal()):
            self._notes.warn(
                "number",
                f"the number ends before {tail!r}; what follows is read as text",
                self._place(group.span),
            )

    def _swap(self, node: Swapped, weight: float) -> Swap:
        original = self._side(node.original, weight, "original")
        edited = self._side(node.edited, weight, "edited")
        return self._options(Swap(original, edited, span=self._place(node.span)), node.options)

    def _side(
        self, nodes: list[Node], weight: float, side: Literal["original", "edited"]
    ) -> tuple[Chunk, ...]:
        """One side of a swap. A swap in it, which nothing could carry out, stands as its own same side."""
        run: list[_Weighed] = []
        todo = [self._flat(nodes, weight)]
        while todo:
            part = next(todo[-1], None)
            if part is None:
                todo.pop()
            elif isinstance(part, _Weighed):
                run.append(part)
            else:
                inner, inner_weight = part
                self._notes.warn(
                    "function",
                    f".swap() inside of .swap(): only its {side} is taken",
                    self._place(inner.span),
                )
                todo.append(self._flat(inner.original if side == "original" else inner.edited, inner_weight))
        # A side of nothing weighs what is around it; one of nothing but empty brackets weighs 1.
        return tuple(self._chunks(run)) or (EMPTY if nodes else Chunk("", weight),)

    def _options(self, swap: Swap, options: list[Option]) -> Swap:
        given: dict[str, float] = {}
        for option in options:
            value, span = option.value, self._place(option.span)
            if option.key in _SWAP_OPTIONS and isinstance(value, float):
                given[option.key] = value
            elif option.key == "shape_freedom" and isinstance(value, float) and 0 <= value <= 1:
                given.setdefault("s_end", 1.0 - value ** (1 / 3))
            else:
                said = self._text[slice(*option.span)]
                self._notes.warn("option", f"{said[:40]!r} is no option of .swap() and is left out", span)
        return replace(swap, **given)

    def _lora(self, node: Loaded) -> Lora:
        return Lora(node.name, node.weight, self._place(node.span))


class _Weighed(NamedTuple):
    word: GrammarWord
    weight: float
