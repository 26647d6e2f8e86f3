"""Several text encoders as one: side by side (SDXL), end to end (SD3), and one for the summary (FLUX.1)."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Self

import torch
from torch import Tensor
from torch.nn.functional import pad

from negspace.encoding.base import Encoder, EncoderWrapper, texts_of
from negspace.encoding.conditioning import (
    ChunkReport,
    Conditioning,
    Given,
    joined_scales,
    joined_words,
)
from negspace.encoding.encoder import TextEncoder
from negspace.encoding.inversion import Embedding, tables_for
from negspace.encoding.structure import encode_structure
from negspace.errors import EncodingError
from negspace.prompt.tree import Prompt


class SideBySide(Encoder):
    """Encoders with windows of one length, whose results are concatenated token for token.

    SDXL: `SideBySide([first, second])`, hidden [tokens, 768 + 1280], pooled that of the second. Each encoder
    reads its own text in its own vocabulary; the one with fewer windows is filled up with its own empty
    windows.
    """

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        if not encoders or any(encoder.text_count != 1 for encoder in encoders):
            raise EncodingError("only single text encoders can stand side by side")
        self.encoders = tuple(encoders)

    @property
    def text_count(self) -> int:
        return len(self.encoders)

    @property
    def fingerprint(self) -> str:
        return _fingerprint("side by side", self.encoders)

    def with_embeddings(self, embeddings: Sequence[Embedding]) -> "SideBySide":
        count = len(self.encoders)
        tables = [tables_for(embedding, count) for embedding in embeddings]
        return SideBySide(
            [
                encoder.with_embeddings(
                    [
                        replace(embedding, tables=(rows[i],))
                        for embedding, rows in zip(embeddings, tables, strict=True)
                    ]
                )
                for i, encoder in enumerate(self.encoders)
            ]
        )

    def empty(self) -> Conditioning:
        return _side_by_side([encoder.empty() for encoder in self.encoders])

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        texts = texts_of(self, prompt, others)
        if all(text.structure is None for text in texts):
            pairs = zip(self.encoders, texts, strict=True)
            return _side_by_side([encoder.encode(text, weighting) for encoder, text in pairs])
        if any(text is not prompt for text in texts):
            raise EncodingError("a text with blend, and or swap must be the same for every text encoder")
        return encode_structure(self, prompt, weighting)


class _Pair(Encoder, ABC):
    """Two encoders: the first reads the first texts, the second those after them.

    Args:
        first: takes embeddings.
        second: takes none.
    """

    _kind: ClassVar[str]

    def __init__(self, first: Encoder, second: Encoder) -> None:
        self.first = first
        self.second = second

    @property
    def text_count(self) -> int:
        return self.first.text_count + self.second.text_count

    @property
    def fingerprint(self) -> str:
        return _fingerprint(self._kind, (self.first, self.second))

    def with_embeddings(self, embeddings: Sequence[Embedding]) -> Self:
        return type(self)(self.first.with_embeddings(embeddings), self.second)

    def empty(self) -> Conditioning:
        return self._joined(self.first.empty(), self.second.empty())

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        texts = texts_of(self, prompt, others)
        own, rest = texts[: self.first.text_count], texts[self.first.text_count :]
        return self._joined(
            self.first.encode(own[0], weighting, own[1:]), self.second.encode(rest[0], weighting, rest[1:])
        )

    @abstractmethod
    def _joined(self, first: Conditioning, second: Conditioning) -> Conditioning:
        """Both results as one."""


class EndToEnd(_Pair):
    """Encoders that read windows, followed by one that reads running text.

    SD3: `EndToEnd(SideBySide([first, second]), third)`, hidden [77 windows + 256, 4096]: the narrower vectors
    are padded with zeros, the running text stands after the windows, pooled is that of the first two.
    """

    _kind = "end to end"

    def _joined(self, first: Conditioning, second: Conditioning) -> Conditioning:
        return _end_to_end(first, second)


class PooledAndTokens(_Pair):
    """Two encoders: the pooled summary comes from the first, the tokens from the second.

    FLUX.1: `PooledAndTokens(clip, t5)`, hidden [512, 4096] of T5, pooled [768] of CLIP. Of a text of several
    windows the summary is that of the first, as everywhere.
    """

    _kind = "summed"

    def _joined(self, first: Conditioning, second: Conditioning) -> Conditioning:
        """The tokens of the second, the summary of the first, whose own tokens have no place."""
        reports = tuple(
            replace(report, chunks=tuple(map(_without_places, report.chunks))) for report in first.tokens
        )
        return replace(
            second,
            pooled=first.pooled,
            tokens=reports + second.tokens,
            findings=first.findings + second.findings,
            given=_given([first, second]),
        )


class InstructedEncoder(EncoderWrapper):
    """A text encoder that reads prompts after an instruction and negatives without it (Sana).

    Args:
        encoder: reads the negatives.
        instruction: as in `TextEncoderLayer`.
    """

    def __init__(self, encoder: TextEncoder, instruction: str) -> None:
        super().__init__(encoder)
        self._text_encoder = encoder
        self._instruction = instruction

    @property
    def fingerprint(self) -> str:
        return _fingerprint("instructed", (self.encoder, self.prompt_encoder))

    @property
    def prompt_encoder(self) -> TextEncoder:
        return self._text_encoder.instructed(self._instruction)

    def with_embeddings(self, embeddings: Sequence[Embedding]) -> "InstructedEncoder":
        return InstructedEncoder(self._text_encoder.with_embeddings(embeddings), self._instruction)


class TrailingZeros(EncoderWrapper):
    """An encoder with zeros in place of another one after it that is left out (SD3 without T5).

    Args:
        encoder: the one that is there.
        tokens, width: of the one that is left out.
    """

    def __init__(self, encoder: Encoder, tokens: int, width: int) -> None:
        super().__init__(encoder)
        self._tokens = tokens
        self._width = width

    @property
    def fingerprint(self) -> str:
        return _fingerprint(f"silence of {self._tokens} by {self._width} after", (self.encoder,))

    def with_embeddings(self, embeddings: Sequence[Embedding]) -> "TrailingZeros":
        return TrailingZeros(self.encoder.with_embeddings(embeddings), self._tokens, self._width)

    def empty(self) -> Conditioning:
        return self._with_zeros(self.encoder.empty())

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        return self._with_zeros(self.encoder.encode(prompt, weighting, others))

    def _with_zeros(self, encoded: Conditioning) -> Conditioning:
        zeros = encoded.hidden.new_zeros(self._tokens, self._width)
        return _end_to_end(encoded, Conditioning(zeros, None, 1, zeros, given=encoded.given))


def _fingerprint(kind: str, encoders: Sequence[Encoder]) -> str:
    return hashlib.sha256(
        " ".join([kind, *(encoder.fingerprint for encoder in encoders)]).encode()
    ).hexdigest()


def _side_by_side(parts: Sequence[Conditioning]) -> Conditioning:
    windows = {part.window for part in parts}
    if len(windows) > 1 or any(part.tail for part in parts):
        raise EncodingError(f"encoders with windows of {sorted(windows)} tokens cannot stand side by side")
    plain = max(part.windows - part.negative_windows for part in parts)
    negative = max(part.negative_windows for part in parts)
    # Windows of negative words come last, and must stand beside such windows of the other encoder.
    parts = [
        part.padded(plain + part.negative_windows, behind=part.negative_windows, share=0.0).padded(
            plain + negative, share=0.0
        )
        for part in parts
    ]
    pooled = [part.pooled for part in parts if part.pooled is not None]
    return Conditioning(
        hidden=torch.cat([part.hidden for part in parts], dim=-1),
        pooled=torch.cat(pooled) if pooled else None,
        windows=plain + negative,
        empty=torch.cat([part.empty for part in parts], dim=-1),
        negative_windows=negative,
        value_scale=_joint_scale(parts),
        tokens=tuple(report for part in parts for report in part.tokens),
        findings=tuple(finding for part in parts for finding in part.findings),
        given=_given(parts),
        words=None
        if all(part.words is None for part in parts)
        else torch.stack([part.word_shares for part in parts]).amax(0),
    )


def _joint_scale(parts: Sequence[Conditioning]) -> Tensor | None:
    """The largest share that a token has in any of the parts; it pushes away where it does so in one."""
    if all(part.value_scale is None for part in parts):
        return None
    scales = torch.stack([part.scale for part in parts])
    joint = torch.where((scales < 0).any(0), -1.0, 1.0) * scales.abs().amax(0)
    return None if bool((joint == 1).all()) else joint


def _end_to_end(front: Conditioning, back: Conditioning) -> Conditioning:
    """Running text after windows, the narrower of the two padded with zeros."""
    if front.tail or back.tail or back.windows != 1:
        raise EncodingError("only one encoder of running text can follow one of windows")
    dim = max(front.hidden.shape[1], back.hidden.shape[1])
    parts = (front, back)
    pooled = [part.pooled for part in parts if part.pooled is not None]
    return Conditioning(
        hidden=torch.cat([_wide(front.hidden, dim), _wide(back.hidden, dim)]),
        pooled=torch.cat(pooled) if pooled else None,
        windows=front.windows,
        empty=_wide(front.empty, dim),
        tail=len(back.hidden),
        negative_windows=front.negative_windows,
        value_scale=joined_scales(parts),
        words=joined_words(parts),
        tokens=front.tokens + tuple(report.moved(len(front.hidden)) for report in back.tokens),
        findings=front.findings + back.findings,
        given=_given([front, back]),
        exchange=front.exchange,
    )


def _without_places(chunk: ChunkReport) -> ChunkReport:
    return replace(chunk, places=(-1,) * len(chunk.places))


def _wide(values: Tensor, dim: int) -> Tensor:
    return pad(values, (0, dim - values.shape[1]))


def _given(parts: Sequence[Conditioning]) -> Given:
    """ "text" if any of them comes from a text."""
    for part in parts:
        if part.given == "text":
            return "text"
    return parts[0].given
