"""Several text encoders as one: side by side (SDXL) and end to end (SD3)."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import pad

from negspace.encoding.base import Encoder, EncoderWrapper, texts_of
from negspace.encoding.conditioning import Conditioning, Given
from negspace.encoding.encoder import TextEncoder
from negspace.encoding.inversion import Embedding, tables_for
from negspace.encoding.structure import carry_out
from negspace.errors import EncodingError
from negspace.prompt.tree import Prompt


class SideBySide(Encoder):
    """Encoders that read windows of one length and whose answers stand beside each other, token for token.

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
        return _beside([encoder.empty() for encoder in self.encoders])

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        texts = texts_of(self, prompt, others)
        if all(text.structure is None for text in texts):
            pairs = zip(self.encoders, texts, strict=True)
            return _beside([encoder.encode(text, weighting) for encoder, text in pairs])
        if any(text is not prompt for text in texts):
            raise EncodingError("a text with blend, and or swap must be the same for every text encoder")
        return carry_out(self, prompt, weighting)


class EndToEnd(Encoder):
    """Encoders that read windows, followed by one that reads running text.

    SD3: `EndToEnd(SideBySide([first, second]), third)`, hidden [77 windows + 256, 4096]: the narrower answers
    get zeros behind them, the running text stands after the windows, pooled is that of the first two.
    """

    def __init__(self, first: Encoder, second: Encoder) -> None:
        self.first = first
        self.second = second

    @property
    def text_count(self) -> int:
        return self.first.text_count + self.second.text_count

    @property
    def fingerprint(self) -> str:
        return _fingerprint("end to end", (self.first, self.second))

    def with_embeddings(self, embeddings: Sequence[Embedding]) -> "EndToEnd":
        return EndToEnd(self.first.with_embeddings(embeddings), self.second)

    def empty(self) -> Conditioning:
        return _behind(self.first.empty(), self.second.empty())

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        texts = texts_of(self, prompt, others)
        own, rest = texts[: self.first.text_count], texts[self.first.text_count :]
        return _behind(
            self.first.encode(own[0], weighting, own[1:]), self.second.encode(rest[0], weighting, rest[1:])
        )


class PooledAndTokens(Encoder):
    """An encoder whose tokens are read, and before it one of which the summary alone is.

    FLUX.1: `PooledAndTokens(clip, t5)`, hidden [512, 4096] of T5, pooled [768] of CLIP. Of a text of several
    windows the summary is that of the first, as everywhere.
    """

    def __init__(self, summary: Encoder, words: Encoder) -> None:
        self.summary = summary
        self.words = words

    @property
    def text_count(self) -> int:
        return self.summary.text_count + self.words.text_count

    @property
    def fingerprint(self) -> str:
        return _fingerprint("summed", (self.summary, self.words))

    def with_embeddings(self, embeddings: Sequence[Embedding]) -> "PooledAndTokens":
        return PooledAndTokens(self.summary.with_embeddings(embeddings), self.words)

    def empty(self) -> Conditioning:
        return _summed(self.summary.empty(), self.words.empty())

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        texts = texts_of(self, prompt, others)
        own, rest = texts[: self.summary.text_count], texts[self.summary.text_count :]
        return _summed(
            self.summary.encode(own[0], weighting, own[1:]), self.words.encode(rest[0], weighting, rest[1:])
        )


class InstructedEncoder(EncoderWrapper):
    """A text encoder that reads the prompt after an instruction, and what is avoided without (Sana).

    Args:
        encoder: reads what is avoided.
        instruction: as in `TextEncoderLayer`.
    """

    def __init__(self, encoder: TextEncoder, instruction: str) -> None:
        super().__init__(encoder)
        self._plain = encoder
        self._instruction = instruction

    @property
    def fingerprint(self) -> str:
        return _fingerprint("instructed", (self.encoder, self.prompt_encoder))

    @property
    def prompt_encoder(self) -> TextEncoder:
        return self._plain.instructed(self._instruction)

    def with_embeddings(self, embeddings: Sequence[Embedding]) -> "InstructedEncoder":
        return InstructedEncoder(self._plain.with_embeddings(embeddings), self._instruction)

    def empty(self) -> Conditioning:
        return self.encoder.empty()

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        return self.encoder.encode(prompt, weighting, others)


class TrailingZeros(EncoderWrapper):
    """An encoder with zeros behind, where a network was made for one more that is left out (SD3 without T5).

    Args:
        encoder: the others.
        tokens, width: of what is left out.
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
        return self._behind(self.encoder.empty())

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        return self._behind(self.encoder.encode(prompt, weighting, others))

    def _behind(self, conditioning: Conditioning) -> Conditioning:
        silence = conditioning.hidden.new_zeros(self._tokens, self._width)
        return _behind(conditioning, Conditioning(silence, None, 1, silence, given=conditioning.given))


def _fingerprint(kind: str, encoders: Sequence[Encoder]) -> str:
    return hashlib.sha256(
        " ".join([kind, *(encoder.fingerprint for encoder in encoders)]).encode()
    ).hexdigest()


def _beside(parts: Sequence[Conditioning]) -> Conditioning:
    windows = {part.window for part in parts}
    if len(windows) > 1 or any(part.tail for part in parts):
        raise EncodingError(f"encoders with windows of {sorted(windows)} tokens cannot stand side by side")
    plain = max(part.windows - part.flipped for part in parts)
    flipped = max(part.flipped for part in parts)
    # Windows of negative words come last and must meet their own kind in the other encoder.
    parts = [part.padded(plain + part.flipped, behind=part.flipped).padded(plain + flipped) for part in parts]
    pooled = [part.pooled for part in parts if part.pooled is not None]
    scales = [part.value_scale for part in parts if part.value_scale is not None]
    return Conditioning(
        hidden=torch.cat([part.hidden for part in parts], dim=-1),
        pooled=torch.cat(pooled) if pooled else None,
        windows=plain + flipped,
        empty=torch.cat([part.empty for part in parts], dim=-1),
        flipped=flipped,
        value_scale=torch.stack(scales).amin(dim=0) if scales else None,
        tokens=tuple(report for part in parts for report in part.tokens),
        findings=tuple(finding for part in parts for finding in part.findings),
        given=_given(parts),
    )


def _behind(front: Conditioning, back: Conditioning) -> Conditioning:
    """Running text after windows, the narrower of the two with zeros behind its values."""
    if front.tail or back.tail or back.windows != 1:
        raise EncodingError("only one encoder of running text can follow one of windows")
    dim = max(front.hidden.shape[1], back.hidden.shape[1])
    scale = None
    if front.value_scale is not None or back.value_scale is not None:
        scale = torch.cat([_scale(front), _scale(back)])
    pooled = [part.pooled for part in (front, back) if part.pooled is not None]
    return Conditioning(
        hidden=torch.cat([_wide(front.hidden, dim), _wide(back.hidden, dim)]),
        pooled=torch.cat(pooled) if pooled else None,
        windows=front.windows,
        empty=_wide(front.empty, dim),
        tail=len(back.hidden),
        flipped=front.flipped,
        value_scale=scale,
        tokens=front.tokens + tuple(report.moved(len(front.hidden)) for report in back.tokens),
        findings=front.findings + back.findings,
        given=_given([front, back]),
        exchange=front.exchange,
    )


def _summed(summary: Conditioning, words: Conditioning) -> Conditioning:
    """The words of one, the summary of the other, whose tokens stand nowhere."""
    gone = tuple(
        replace(
            report, chunks=tuple(replace(chunk, places=(-1,) * len(chunk.places)) for chunk in report.chunks)
        )
        for report in summary.tokens
    )
    return replace(
        words,
        pooled=summary.pooled,
        tokens=gone + words.tokens,
        findings=summary.findings + words.findings,
        given=_given([summary, words]),
    )


def _wide(values: Tensor, dim: int) -> Tensor:
    return pad(values, (0, dim - values.shape[1]))


def _scale(part: Conditioning) -> Tensor:
    """[tokens]"""
    ones = torch.ones(len(part.hidden), device=part.hidden.device)
    return ones if part.value_scale is None else part.value_scale


def _given(parts: Sequence[Conditioning]) -> Given:
    """ "text" if any of them says something."""
    for part in parts:
        if part.given == "text":
            return "text"
    return parts[0].given
