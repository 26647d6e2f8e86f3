"""The compel dialect: the syntax of the compel library.

`word+`, `(some words)--` weigh 1.1 or 0.9 to the power of the number of signs, `(some words)1.3` and
`.attend(1.3)` weigh 1.3; nested groups multiply. `"a".swap(b)`, `("a", "b").blend(1, 0.5)`,
`("a", "b").and()` and `withLora(name, 0.5)` are its functions. Words are joined by single spaces. Malformed
syntax is text, as in compel.

Where compel raises an error, the text is text here, with a finding. Three errors of compel are avoided: in
quotation marks it reads \\n, \\t and the like as in Python and loses the letters; it drops all of several
backslashes before a bracket, where only the last one is dropped here; and vertical tabs are white space here.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Literal, NamedTuple

from negspace.prompt.compel.grammar import FunctionCall, Grammar, GrammarWord, Group, Node, SwapCall
from negspace.prompt.compel.scanner import LoraCall, Option
from negspace.prompt.compel.writing import write
from negspace.prompt.dialect import Dialect
from negspace.prompt.reading import LARGEST_WEIGHT, FindingCollector, product
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


def parse(source: str, findings: FindingCollector) -> Prompt:
    """Reads `source`; what cannot be read is text, with a finding."""
    return _Reading(source, findings).prompt()


def _spaced(source: str) -> tuple[str, list[int]]:
    """`source` with a space after every comma that has none, and the places of these spaces.

    compel prepares a text like this. As there, a comma directly after such a comma is left as it is.
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


class _WeightedWord(NamedTuple):
    word: GrammarWord
    weight: float


class _Reading:
    def __init__(self, source: str, findings: FindingCollector) -> None:
        self._source = source
        self._findings = findings
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
        functions = not isinstance(structure, Passage) or any(
            isinstance(piece, Swap) for piece in structure.pieces
        )
        return Prompt(
            chunks,
            NAME,
            self._source,
            self._findings.collected(),
            structure if functions else None,
            tuple(self._loras),
        )

    def _structure(self, call: FunctionCall) -> Structure | None:
        """The function that is the whole text; None, and a finding, where it cannot be carried out."""
        weights = [option.value for option in call.options]
        normalize = True
        if call.name == "blend" and call.options and call.options[-1].key == "no_normalize":
            normalize = False
            weights.pop()
        span = self._source_span(call.span)
        problem = self._problem(call, weights)
        if problem is not None:
            self._findings.warn("function", f"{problem}; it is read as text", span)
            return None
        loras_before = len(self._loras)
        parts = [self._pieces(part) for part in call.parts]
        if call.name == "blend" and any(isinstance(piece, Swap) for part in parts for piece in part):
            del self._loras[loras_before:]
            self._findings.warn("function", ".swap() cannot be part of a .blend(); it is read as text", span)
            return None
        self._loras += map(self._lora, call.loras)
        numbers = [weight for weight in weights if isinstance(weight, float)] or [1.0] * len(parts)
        if call.rest < len(self._text):
            rest = self._source_span((call.rest, len(self._text)))
            self._findings.warn("ignored", "what follows .and() is ignored; put it in a part", rest)
        if call.name == "and":  # compel drops a part of nothing at all, such as (), together with its weight
            numbers = [weight for weight, part in zip(numbers, parts, strict=True) if part]
            parts = [part for part in parts if part] or [[EMPTY]]
        passages = tuple(Passage(tuple(part) or (EMPTY,), span) for part in parts)
        if call.name == "blend":
            return Blend(passages, tuple(numbers), normalize, span)
        return Conjunction(passages, tuple(numbers) or (1.0,), span)

    def _problem(self, call: FunctionCall, weights: list[float | str | None]) -> str | None:
        if call.name == "blend" and call.rest < len(self._text):
            return "text follows .blend(), which has to stand alone"
        for weight, option in zip(weights, call.options, strict=False):
            if option.key is not None or not isinstance(weight, float):
                return f"{self._text[slice(*option.span)]!r} is not a weight of .{call.name}()"
        if weights and len(weights) != len(call.parts):
            return f".{call.name}() has {len(call.parts)} parts and {len(weights)} weights"
        return None

    def _source_span(self, span: Span) -> Span:
        """The span in the source of a span of the text with its added spaces."""
        start, end = (at - bisect_left(self._spaces, at) for at in span)
        return start, end

    def _passage(self, nodes: list[Node], span: Span) -> Passage:
        return Passage(tuple(self._pieces(nodes)) or (EMPTY,), self._source_span(span))

    def _pieces(self, nodes: list[Node]) -> list[Chunk | Swap]:
        pieces: list[Chunk | Swap] = []
        run: list[_WeightedWord] = []
        for part in self._flat(nodes, 1.0):
            if isinstance(part, _WeightedWord):
                run.append(part)
            else:
                pieces += self._chunks(run)
                pieces.append(self._swap(*part))
                run = []
        return [*pieces, *self._chunks(run)]

    def _flat(self, nodes: list[Node], weight: float) -> Iterator[_WeightedWord | tuple[SwapCall, float]]:
        """The words and swaps in order, each with the product of the weights around it, outermost first."""
        open_groups = [(iter(nodes), weight)]
        while open_groups:
            inside, weight = open_groups[-1]
            node = next(inside, None)
            match node:
                case None:
                    open_groups.pop()
                case GrammarWord():
                    yield _WeightedWord(node, weight)
                case Group(weight=own):
                    self._check_number(node)
                    open_groups.append((iter(node.nodes), product(weight, own)))
                case SwapCall():
                    yield node, weight
                case LoraCall():
                    self._loras.append(self._lora(node))

    def _chunks(self, run: list[_WeightedWord]) -> list[Chunk]:
        """The chunks: adjacent words of the same weight are one, with single spaces between them."""
        chunks: list[Chunk] = []
        for weight, same in groupby(run, key=lambda part: part.weight):
            words = [part.word for part in same]
            span = self._source_span((words[0].start, words[-1].end))
            if abs(weight) == LARGEST_WEIGHT:
                self._findings.warn("weight-range", "the weights around this are too large to multiply", span)
            chunks.append(Chunk(" ".join(map(self._letters, words)), weight, span))
        return chunks

    def _letters(self, word: GrammarWord) -> str:
        text = self._text[word.start : word.end]
        if word.unread and _LETTER_SYNTAX.search(text):
            self._findings.warn(
                "unbalanced",
                f"the brackets or quotation marks in {text[:40]!r} are not in order and are read as letters",
                self._source_span((word.start, word.end)),
            )
        return text.replace("\\(", "(").replace("\\)", ")").replace('\\"', '"')

    def _check_number(self, group: Group) -> None:
        end = group.span[1]
        tail = self._text[end : end + 1]
        if self._text[end - 1].isdecimal() and (tail == "." or tail.isdecimal()):
            self._findings.warn(
                "number",
                f"the number ends before {tail!r}; what follows is read as text",
                self._source_span(group.span),
            )

    def _swap(self, node: SwapCall, weight: float) -> Swap:
        original = self._side(node.original, weight, "original")
        edited = self._side(node.edited, weight, "edited")
        return self._options(Swap(original, edited, span=self._source_span(node.span)), node.options)

    def _side(
        self, nodes: list[Node], weight: float, side: Literal["original", "edited"]
    ) -> tuple[Chunk, ...]:
        """One side of a swap. A swap inside of it cannot be carried out, so its own same side replaces it."""
        run: list[_WeightedWord] = []
        todo = [self._flat(nodes, weight)]
        while todo:
            part = next(todo[-1], None)
            if part is None:
                todo.pop()
            elif isinstance(part, _WeightedWord):
                run.append(part)
            else:
                inner, inner_weight = part
                self._findings.warn(
                    "function",
                    f".swap() inside of .swap(): only its {side} is taken",
                    self._source_span(inner.span),
                )
                todo.append(self._flat(inner.original if side == "original" else inner.edited, inner_weight))
        # An empty side has the weight around it; one with only empty brackets has the weight 1.
        return tuple(self._chunks(run)) or (EMPTY if nodes else Chunk("", weight),)

    def _options(self, swap: Swap, options: list[Option]) -> Swap:
        given: dict[str, float] = {}
        for option in options:
            value, span = option.value, self._source_span(option.span)
            if option.key in _SWAP_OPTIONS and isinstance(value, float):
                given[option.key] = value
            elif option.key == "shape_freedom" and isinstance(value, float) and 0 <= value <= 1:
                given.setdefault("s_end", 1.0 - value ** (1 / 3))
            else:
                text = self._text[slice(*option.span)]
                self._findings.warn("option", f"{text[:40]!r} is no option of .swap() and is left out", span)
        return replace(swap, **given)

    def _lora(self, node: LoraCall) -> Lora:
        return Lora(node.name, node.weight, span=self._source_span(node.span))


DIALECT = Dialect(NAME, parse, write, native=frozenset({"plus", "number-behind", "call", "lora-call"}))
