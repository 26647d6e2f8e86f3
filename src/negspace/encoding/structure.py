"""compel's functions on conditionings: blends, conjunctions and swaps."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from negspace.encoding.base import Encoder
from negspace.encoding.conditioning import (
    Conditioning,
    EncoderReport,
    Exchange,
    joined_scales,
    joined_words,
    match_lengths,
)
from negspace.errors import EncodingError
from negspace.findings import Finding
from negspace.prompt.tree import Blend, Chunk, Conjunction, Passage, Prompt, Swap


def encode_structure(encoder: Encoder, prompt: Prompt, weighting: str) -> Conditioning:
    """The conditioning of a prompt with a structure.

    Raises:
        EncodingError: a blend's weights cannot be normalised, its parts hold negative weights, or a weight is
            too large for the number format.
    """
    match prompt.structure:
        case Blend(parts, weights, normalize):
            return blend(_each(encoder, prompt, parts, weighting), weights, normalize)
        case Conjunction(parts, weights):
            return conjoin(_each(encoder, prompt, parts, weighting), weights)
        case Passage() as passage:
            return _passage(encoder, prompt, passage, weighting)
        case None:
            return encoder.encode(prompt, weighting)


def blend(parts: Sequence[Conditioning], weights: Sequence[float], normalize: bool) -> Conditioning:
    """Σ w·part, over Σ w where `normalize`. compel, `.blend()`. The pooled vectors are mixed alike.

    Raises:
        EncodingError: the weights add up to 0 and shall be normalised, or a part holds words with negative
            weights, which no mixture can keep apart.
    """
    total = sum(weights) if normalize else 1.0
    if total == 0:
        raise EncodingError(f"the weights {tuple(weights)} of a blend add up to 0 and cannot be normalised")
    if any(part.value_scale is not None for part in parts):
        raise EncodingError("a blend cannot hold words with negative weights; weigh the whole part")
    parts = match_lengths(parts)
    shares = [weight / total for weight in weights]
    summaries = [part.pooled for part in parts if part.pooled is not None]
    return replace(
        parts[0],
        hidden=_finite(_mixed([part.hidden for part in parts], shares), weights),
        pooled=_mixed(summaries, shares) if summaries else None,
        tokens=_joined([part.tokens for part in parts]),
        findings=tuple(finding for part in parts for finding in part.findings),
        exchange=None,
        words=None
        if all(part.words is None for part in parts)
        else torch.stack([part.word_shares for part in parts]).amax(0),
    )


def conjoin(parts: Sequence[Conditioning], weights: Sequence[float]) -> Conditioning:
    """e + w·(part - e) for each, e the encoded empty prompt, one after the other. compel, `.and()`.

    The pooled vector is the first part's, as with a text of several windows.
    """
    reports: list[tuple[EncoderReport, ...]] = []
    rows = 0
    for part in parts:
        reports.append(tuple(report.moved(rows) for report in part.tokens))
        rows += len(part.hidden)
    weighted = [_weighted(part, weight) for part, weight in zip(parts, weights, strict=True)]
    return replace(
        parts[0],
        hidden=_finite(torch.cat(weighted), weights),
        windows=sum(part.windows for part in parts),
        negative_windows=0,
        value_scale=joined_scales(parts),
        words=joined_words(parts),
        tokens=_joined(reports),
        findings=tuple(finding for part in parts for finding in part.findings),
        exchange=None,
    )


def _each(encoder: Encoder, prompt: Prompt, parts: Sequence[Passage], weighting: str) -> list[Conditioning]:
    return [_passage(encoder, prompt, part, weighting) for part in parts]


def _passage(encoder: Encoder, prompt: Prompt, passage: Passage, weighting: str) -> Conditioning:
    """A part of the prompt: its chunks in a row, and what its swaps exchange."""
    row = replace(prompt, chunks=passage.chunks, structure=None)
    original = encoder.encode(row, weighting)
    swaps = [piece for piece in passage.pieces if isinstance(piece, Swap)]
    if not swaps:
        return original
    edited_chunks = [
        chunk for piece in passage.pieces for chunk in (piece.edited if isinstance(piece, Swap) else (piece,))
    ]
    edited = encoder.encode(replace(row, chunks=tuple(edited_chunks)), weighting)
    original, edited = match_lengths([original, edited])
    first = swaps[0]
    exchange = Exchange(
        edited,
        _source_tokens(passage, original, edited),
        (first.s_start, first.s_end),
        (first.t_start, first.t_end),
    )
    return replace(original, exchange=exchange, findings=original.findings + _swap_findings(swaps))


def _source_tokens(passage: Passage, original: Conditioning, edited: Conditioning) -> Tensor:
    """[tokens] int: whose attention map each edited token uses; -1 for the words that were swapped in."""
    sources = torch.full((len(edited.hidden),), -1)
    sources[:: original.window] = torch.arange(0, len(sources), original.window)  # the begin tokens
    before, after = iter(original.tokens[0].chunks), iter(edited.tokens[0].chunks)
    for piece in passage.pieces:
        if isinstance(piece, Swap):
            for _ in piece.original:
                next(before)
            for _ in piece.edited:
                next(after)
        else:
            for place, source in zip(next(after).places, next(before).places, strict=True):
                if place >= 0:
                    sources[place] = source
    return sources


def _swap_findings(swaps: Sequence[Swap]) -> tuple[Finding, ...]:
    findings = [
        Finding(
            "swap",
            f"{_text(swap.original)!r} is drawn; {_text(swap.edited)!r} takes its place and its maps from "
            f"{swap.t_start:g} to {swap.t_end:g} of the run",
            swap.span,
            level="note",
        )
        for swap in swaps
    ]
    if len({(swap.s_start, swap.s_end, swap.t_start, swap.t_end) for swap in swaps}) > 1:
        findings.append(
            Finding("swap-times", "all swaps of a text follow the times of the first", swaps[0].span)
        )
    return tuple(findings)


def _text(chunks: Sequence[Chunk]) -> str:
    return " ".join(chunk.text for chunk in chunks)


def _joined(by_part: Sequence[tuple[EncoderReport, ...]]) -> tuple[EncoderReport, ...]:
    """One report per text model from those of all parts."""
    return tuple(
        EncoderReport(
            reports[0].encoder,
            sum(report.windows for report in reports),
            tuple(chunk for report in reports for chunk in report.chunks),
        )
        for reports in zip(*by_part, strict=True)
    )


def _mixed(tensors: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    mixed = sum(share * tensor.float() for share, tensor in zip(shares, tensors, strict=True))
    assert isinstance(mixed, Tensor)
    return mixed.to(tensors[0].dtype)


def _weighted(part: Conditioning, weight: float) -> Tensor:
    if weight == 1:
        return part.hidden
    empty = part.empty.repeat(part.windows, 1).float()
    return (empty + weight * (part.hidden.float() - empty)).to(part.hidden.dtype)


def _finite(hidden: Tensor, weights: Sequence[float]) -> Tensor:
    if not bool(hidden.isfinite().all()):
        raise EncodingError(f"the weights {tuple(weights)} are too large for {hidden.dtype}")
    return hidden
