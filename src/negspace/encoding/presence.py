"""Words of small weight: a share of the text without them is mixed in, so that weight 0 is their absence.

A word of weight w is present to the share p(w), which grows from 0 at w = 0 to 1. For words of several shares
p_1 > p_2 > .. > p_n the conditioning is

    (1 - p_1) E() + (p_1 - p_2) E(1) + .. + p_n E(1, .., n)

with E(..) the text with these words alone, each weighted by the published rule. It is continuous in all
weights.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from negspace.encoding.conditioning import Conditioning
from negspace.facts import PUBLISHED_WEIGHTINGS

Layer = tuple[float, tuple[bool, ...]]
"""A share, and which of the chunks are present in it."""


def presence(weight: float, weighting: str) -> float:
    """p(w) = 1 - (1 - w/f)² up to the weight f from which on the rule is as published, 1 above it.

    For a negative weight |w| up to -1, where a word has all the attention it can have.
    """
    if weight < 0:
        return min(1.0, -weight)
    published_from = PUBLISHED_WEIGHTINGS[weighting].least
    return 1.0 if weight >= published_from else 1.0 - (1.0 - weight / published_from) ** 2


def layers(presences: Sequence[float]) -> list[Layer]:
    """The texts whose sum is the conditioning: the one with most words first."""
    levels = sorted({0.0, 1.0, *presences})
    return [
        (upper - lower, tuple(presence >= upper for presence in presences))
        for lower, upper in pairwise(levels)
    ]


def mixed(encoded: Sequence[tuple[float, Conditioning]]) -> Conditioning:
    """The sum of conditionings by their shares. Windows that one does not have have no attention there.

    Args:
        encoded: (share, conditioning), the one with most words first, whose report it keeps.
    """
    if len(encoded) == 1:
        return encoded[0][1]
    plain = max(part.windows - part.negative_windows for _, part in encoded)
    negative = max(part.negative_windows for _, part in encoded)
    shares = [share for share, _ in encoded]
    parts = [_laid_out(part, plain, negative) for _, part in encoded]
    scales = [part.scale for part in parts]
    there = [share * (scale != 0).float() for share, scale in zip(shares, scales, strict=True)]
    weights = torch.stack(there) / torch.stack(there).sum(0)
    hidden = _blended(weights[:, :, None], [part.hidden for part in parts])
    scale = _sum(shares, scales)
    summaries = [part.pooled for part in parts if part.pooled is not None]
    masks = [part.mask for part in parts if part.mask is not None]
    return replace(
        parts[0],
        hidden=hidden,
        pooled=_blended(torch.tensor(shares, device=hidden.device)[:, None], summaries)
        if summaries
        else None,
        value_scale=None if all(part.value_scale is None for part in parts) else scale,
        words=_sum(shares, [part.word_shares for part in parts]),
        mask=torch.stack(masks).any(0) if masks else None,
    )


def _laid_out(part: Conditioning, plain: int, negative: int) -> Conditioning:
    """With that many windows of text and after them of words with negative weights, the new ones unread."""
    own = part.negative_windows
    return part.padded(plain + own, behind=own, share=0.0).padded(plain + negative, share=0.0)


def _sum(shares: Sequence[float], tensors: Sequence[Tensor]) -> Tensor:
    weights = torch.tensor(shares, device=tensors[0].device).reshape(-1, *[1] * tensors[0].ndim)
    return (weights * torch.stack(list(tensors))).sum(0)


def _blended(weights: Tensor, tensors: Sequence[Tensor]) -> Tensor:
    """Their mean by weights that add up to 1, and exactly the first where all are equal."""
    first, *others = (tensor.float() for tensor in tensors)
    differences = (weight * (other - first) for weight, other in zip(weights[1:], others, strict=True))
    return (first + torch.stack(list(differences)).sum(0)).to(tensors[0].dtype)
