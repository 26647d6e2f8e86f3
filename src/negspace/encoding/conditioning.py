"""Encoded prompts: the tensors that a network reads, and a report on every word."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

import torch
from torch import Tensor

from negspace.errors import EncodingError
from negspace.findings import Finding

Given = Literal["text", "empty", "blank", "zeros"]


@dataclass(frozen=True)
class WordReport:
    """One word of a chunk, as one encoder read it.

    Attributes:
        text: the word as it was written.
        span: its first and one-past-last character in the source; the chunk's span where an escape hides the
            place.
        known: whether the encoder has learned the word; None where nobody knows.
        cut: whether the encoder did not read it, wholly or in part, because the text was too long.
        tokens: its tokens as strings, in order; a token belongs to the word in which it begins.
    """

    text: str
    span: tuple[int, int]
    known: bool | None
    cut: bool
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChunkReport:
    """One chunk of the prompt, as one encoder read it.

    Attributes:
        text: the chunk's text.
        weight: the chunk's weight.
        span: its place in the source.
        ids: token ids, in order, without begin, end and padding. A vector of an embedding has the id -1.
        tokens: the same as strings.
        places: for each token its row in the conditioning's `hidden`; -1 for one that was cut.
        words: its words.
    """

    text: str
    weight: float
    span: tuple[int, int]
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    places: tuple[int, ...]
    words: tuple[WordReport, ...]

    @property
    def unknown(self) -> bool | None:
        """Whether the chunk holds a word that was never learned; None where nobody knows."""
        answers = {word.known for word in self.words}
        return True if False in answers else None if None in answers else False

    @property
    def cut(self) -> tuple[str, ...]:
        """The words that the encoder did not read."""
        return tuple(word.text for word in self.words if word.cut)


@dataclass(frozen=True)
class EncoderReport:
    """The text as one encoder read it.

    Attributes:
        encoder: the name in its `EncoderFacts`.
        windows: how many windows the text filled.
        chunks: one report per chunk, in the order of the prompt.
    """

    encoder: str
    windows: int
    chunks: tuple[ChunkReport, ...]

    @property
    def cut(self) -> tuple[str, ...]:
        """The words that this encoder did not read."""
        return tuple(word for chunk in self.chunks for word in chunk.cut)

    def moved(self, by: int, start: int = 0) -> "EncoderReport":
        """The same where every row of `hidden` from `start` on has moved by `by`."""
        chunks = tuple(
            replace(chunk, places=tuple(place + by if place >= start else place for place in chunk.places))
            for chunk in self.chunks
        )
        return replace(self, chunks=chunks)


@dataclass(frozen=True, eq=False)
class Exchange:
    """The attention maps that compel's `original.swap(edited)` exchanges, so that the edited text is drawn
    where the original was.

    Attributes:
        edited: the edited text's conditioning, as long as the original's.
        source_tokens: [tokens] int, for each edited token the original token whose attention map it uses; -1
            is its own.
        self_attention: share of the run, from start to stop, in which self-attention maps are kept.
        attention: share of the run in which the cross-attention maps of `source_tokens` are used.
    """

    edited: "Conditioning"
    source_tokens: Tensor
    self_attention: tuple[float, float]
    attention: tuple[float, float]

    @property
    def keeps_self_attention(self) -> bool:
        """Whether self-attention maps are ever kept."""
        return self.self_attention[0] < self.self_attention[1]

    def active_at(self, progress: float) -> tuple[bool, bool]:
        """Whether maps are exchanged at a share of the run: (those of self-attention, of cross-attention)."""
        windows = self.self_attention, self.attention
        first, second = (start <= progress < stop for start, stop in windows)
        return first, second

    def padded(self, windows: int, behind: int, share: float | Sequence[float]) -> "Exchange":
        """The same for an original with more windows; the padding uses its own maps."""
        here = (self.edited.windows - behind) * self.edited.window
        added = (windows - self.edited.windows) * self.edited.window
        tokens = torch.where(self.source_tokens >= here, self.source_tokens + added, self.source_tokens)
        own = tokens.new_full((added,), -1)
        return replace(
            self,
            edited=self.edited.padded(windows, behind, share),
            source_tokens=torch.cat([tokens[:here], own, tokens[here:]]),
        )


@dataclass(frozen=True, eq=False)
class Conditioning:
    """An encoded prompt.

    The tokens stand in this order: `windows` windows of equal length, then `tail` tokens of an encoder that
    reads running text (SD3's T5). The last `negative_windows` of them hold the words with negative weights.

    Attributes:
        hidden: [tokens, dim], what cross-attention reads.
        pooled: [dim], a summary of the text for models that need one, else None.
        windows: how many windows the text filled.
        empty: [window, dim], the encoded empty window, used as padding to a common length.
        tail: tokens after the windows.
        negative_windows: how many of the last windows have attention values of the opposite sign.
        value_scale: [tokens] in [-1, 1]. Its size is the share a token gets of the attention it would have,
            its sign that of its attention values: below 0 where a word is to push away. None means all 1.
        tokens: one report per encoder.
        findings: what was cut or could not be done as asked.
        exchange: the attention maps that a swap in the text exchanges, or None.
        given: whether this came from a text, from "", from blanks only, or is zeros for an absent text.
        mask: [tokens] bool, the tokens that the network may attend to; None is all.
        words: [tokens] in [0, 1], how much of a word stands there; None is where the report says so.
    """

    hidden: Tensor
    pooled: Tensor | None
    windows: int
    empty: Tensor
    tail: int = 0
    negative_windows: int = 0
    value_scale: Tensor | None = None
    tokens: tuple[EncoderReport, ...] = ()
    findings: tuple[Finding, ...] = ()
    given: Given = "text"
    exchange: Exchange | None = None
    mask: Tensor | None = None
    words: Tensor | None = None

    def __post_init__(self) -> None:
        expected = self.windows * self.empty.shape[0] + self.tail
        if self.hidden.shape != (expected, self.empty.shape[1]):
            raise EncodingError(
                f"hidden is {tuple(self.hidden.shape)}; {self.windows} windows of {self.empty.shape[0]} "
                f"and {self.tail} tokens more need ({expected}, {self.empty.shape[1]})"
            )

    @property
    def window(self) -> int:
        """Tokens in one window."""
        return self.empty.shape[0]

    @property
    def scale(self) -> Tensor:
        """[tokens], `value_scale` with its ones."""
        ones = torch.ones(len(self.hidden), device=self.hidden.device)
        return ones if self.value_scale is None else self.value_scale

    @property
    def word_shares(self) -> Tensor:
        """[tokens] in [0, 1], where a word stands: no begin mark, end mark or padding."""
        if self.words is not None:
            return self.words
        places = [place for report in self.tokens for chunk in report.chunks for place in chunk.places]
        shares = torch.zeros(len(self.hidden))
        shares[[place for place in places if place >= 0]] = 1.0
        return shares.to(self.hidden.device)

    @property
    def window_shares(self) -> list[float]:
        """The largest share of attention in each window."""
        windows = self.scale[: self.windows * self.window].reshape(self.windows, self.window)
        return windows.abs().amax(1).tolist()

    @property
    def nbytes(self) -> int:
        """Bytes held by the tensors."""
        held = (self.hidden, self.pooled, self.empty, self.value_scale, self.mask, self.words)
        edited = 0 if self.exchange is None else self.exchange.edited.nbytes
        return sum(tensor.nbytes for tensor in held if tensor is not None) + edited

    def with_maps(self, maps: tuple[bool, bool]) -> "Conditioning":
        """The same with only these maps exchanged, see `Exchange.active_at`; without any, the original."""
        if self.exchange is None or not any(maps):
            return replace(self, exchange=None)
        always, never = (0.0, 1.0), (0.0, 0.0)
        tokens = self.exchange.source_tokens if maps[1] else torch.full_like(self.exchange.source_tokens, -1)
        window = always if maps[0] else never
        return replace(self, exchange=replace(self.exchange, source_tokens=tokens, self_attention=window))

    def padded(self, windows: int, behind: int = 0, share: float | Sequence[float] = 1.0) -> "Conditioning":
        """The same padded with encoded empty windows.

        Args:
            windows: how many there are then.
            behind: how many of its own windows stand after the padding.
            share: of attention that the new windows get, or one for each.

        Raises:
            EncodingError: there are more already; nothing is ever cut.
        """
        missing = windows - self.windows
        if missing < 0:
            raise EncodingError(f"{self.windows} windows cannot be brought to {windows} without a loss")
        if missing == 0:
            return self
        here = (self.windows - behind) * self.window
        padding = self.empty.repeat(missing, 1)
        new = torch.tensor([share] * missing if isinstance(share, float) else share)
        shares = new.to(self.hidden.device).repeat_interleave(self.window)

        def widened(values: Tensor | None, added: Tensor) -> Tensor | None:
            return None if values is None else torch.cat([values[:here], added.to(values), values[here:]])

        as_it_was = self.value_scale is None and bool((shares == 1).all())
        return replace(
            self,
            hidden=torch.cat([self.hidden[:here], padding, self.hidden[here:]]),
            windows=windows,
            value_scale=None if as_it_was else widened(self.scale, shares),
            tokens=tuple(report.moved(len(padding), start=here) for report in self.tokens),
            exchange=None if self.exchange is None else self.exchange.padded(windows, behind, share),
            mask=widened(self.mask, torch.zeros_like(shares)),
            words=widened(self.words, torch.zeros_like(shares)),
        )


def match_lengths(conditionings: Sequence[Conditioning]) -> list[Conditioning]:
    """The same conditionings, all as long as the longest: shorter ones get encoded empty windows, none is
    cut. Such a window gets the largest share of attention that another conditioning has in its place.

    Call it once a lane, on all its conditionings: a lane then never depends on its companions.

    Raises:
        EncodingError: they come from encoders of different shapes.
    """
    shapes = {(*item.empty.shape, item.tail) for item in conditionings}
    if len(shapes) > 1:
        raise EncodingError(
            f"conditionings of different encoders cannot be matched: (window, dim, tail) {shapes}"
        )
    columns = zip_longest(*(item.window_shares for item in conditionings), fillvalue=0.0)
    shares = [max(column) for column in columns]
    return [item.padded(len(shares), share=shares[item.windows :]) for item in conditionings]


def joined_scales(parts: Sequence[Conditioning]) -> Tensor | None:
    """`value_scale` of conditionings whose tokens stand one after the other."""
    if all(part.value_scale is None for part in parts):
        return None
    return torch.cat([part.scale for part in parts])


def joined_words(parts: Sequence[Conditioning]) -> Tensor | None:
    """`words` of conditionings whose tokens stand one after the other."""
    if all(part.words is None for part in parts):
        return None
    return torch.cat([part.word_shares for part in parts])
