"""A prompt as it is parsed: a sequence of weighted chunks, and the functions of compel around them."""

from dataclasses import dataclass, field
from typing import Literal, SupportsIndex, final

from negspace.findings import Finding

Span = tuple[int, int]


@final
class Chunk(tuple[str, float]):
    """A piece of text and its weight, as a pair, together with its span in the source.

    It unpacks and compares as the pair `(text, weight)`; the span makes no difference.

    Attributes:
        text: the words as they are to be encoded, without syntax.
        weight: 1 is neutral; 0 and negative weights are allowed. A break weighs -1 times what is around it.
        span: first and one-past-last character in the source. A chunk that was joined from several places
            spans from the first to the last, with the syntax between.
        kind: "break" for the a1111 word BREAK, which ends a window and is not encoded.
    """

    span: Span
    kind: Literal["text", "break"]

    def __new__(
        cls, text: str, weight: float, span: Span = (0, 0), kind: Literal["text", "break"] = "text"
    ) -> "Chunk":
        chunk = super().__new__(cls, (text, weight))
        chunk.__dict__.update(span=span, kind=kind)
        return chunk

    @property
    def text(self) -> str:
        return self[0]

    @property
    def weight(self) -> float:
        return self[1]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Chunk is frozen: {name} cannot be set")

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> tuple[type["Chunk"], tuple[object, ...]]:
        return Chunk, (self.text, self.weight, self.span, self.kind)

    def __repr__(self) -> str:
        return f"Chunk({self.text!r}, {self.weight!r}, span={self.span!r}, kind={self.kind!r})"


@dataclass(frozen=True, slots=True)
class Swap:
    """compel's `original.swap(edited)`: draw with `original`, but let its attention look for `edited`.

    Attributes:
        original, edited: the two sides; never empty, an empty side is one chunk without text.
        s_start, s_end: share of the steps in which the original's self-attention maps are kept.
        t_start, t_end: share of the steps in which the edited tokens take the original's attention maps.
        span: of all of it in the source.
    """

    original: tuple[Chunk, ...]
    edited: tuple[Chunk, ...]
    s_start: float = 0.0
    s_end: float = 0.0
    t_start: float = 0.2
    t_end: float = 1.0
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Passage:
    """A sequence of chunks and swaps that is encoded as one text. Never empty."""

    pieces: tuple[Chunk | Swap, ...]
    span: Span = field(default=(0, 0), compare=False)

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """Its chunks in order, of each swap the original."""
        return tuple(
            chunk
            for piece in self.pieces
            for chunk in (piece.original if isinstance(piece, Swap) else (piece,))
        )


@dataclass(frozen=True, slots=True)
class Blend:
    """compel's `("a", "b").blend(1, 0.8)`: the weighted sum of the conditionings of its parts.

    Attributes:
        parts: each is encoded alone.
        weights: one for each part, as written; they may be negative.
        normalize: whether the weights are divided by their sum first.
        span: of all of it in the source.
    """

    parts: tuple[Passage, ...]
    weights: tuple[float, ...]
    normalize: bool = True
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Conjunction:
    """compel's `("a", "b").and(1, 0.5)`: the conditionings of its parts, concatenated.

    Each part is encoded alone and weighted as `empty + weight * (part - empty)`, where `empty` is the
    conditioning of the empty prompt.
    """

    parts: tuple[Passage, ...]
    weights: tuple[float, ...]
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA that a text names, by a tag of a1111 or by compel's withLora(), for the caller to carry out.

    Attributes:
        name: the name of its file, without the ending.
        weight: its strength in the network.
        text_weight: its strength in the text encoders; None where that is `weight`.
        span: of the tag or call in the source.
    """

    name: str
    weight: float
    text_weight: float | None = None
    span: Span = field(default=(0, 0), compare=False)


Structure = Passage | Blend | Conjunction


@dataclass(frozen=True)
class Prompt:
    """A text that has been parsed.

    Attributes:
        chunks: all of it as (text, weight) in order, at least one; `("", 1.0)` for an empty text.
            In a1111, BREAK is a chunk of its own with a negative weight and kind "break".
        dialect: the name of the dialect it was parsed in.
        source: the text as it was given.
        findings: what was noticed, such as unmatched brackets and invalid numbers.
        structure: the functions of compel; None where the sequence of chunks is all there is.
        loras: the LoRA files it names, in order.
        excerpt: the text it was parsed from, where that is not all of `source`: a part of an AND, a step of a
            schedule, all of it without tags.
    """

    chunks: tuple[Chunk, ...]
    dialect: str
    source: str
    findings: tuple[Finding, ...] = ()
    structure: Structure | None = None
    loras: tuple[Lora, ...] = ()
    excerpt: str | None = None

    @property
    def separator(self) -> str:
        """What belongs between two chunks: a space in compel, whose chunks have none at their ends."""
        return " " if self.dialect == "compel" else ""

    @property
    def clean(self) -> str:
        """The text without any syntax, as pooled vectors are computed from it."""
        texts = (" " if chunk.kind == "break" else chunk.text for chunk in self.chunks)
        return self.separator.join(texts)

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The passages that the functions of compel join; () where there are no such functions."""
        match self.structure:
            case Blend(parts=parts) | Conjunction(parts=parts):
                return parts
            case Passage() as passage:
                return (passage,)
            case None:
                return ()


EMPTY = Chunk("", 1.0)
