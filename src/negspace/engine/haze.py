"""Haze: a conditioning told through noise."""

from dataclasses import replace

import torch
from torch import Generator, Tensor

from negspace.encoding import Conditioning
from negspace.guidance import ConditioningNoise


def hazed(told: Conditioning, haze: ConditioningNoise, noise: Generator) -> Conditioning:
    """The conditioning as it is told through a haze: its tensors change, and nothing else of it.

    `hidden` and then `pooled`, each by itself, take noise and are brought back to their own mean and standard
    deviation, taken over all their numbers.

    Args:
        told: what is to be told.
        haze: through what.
        noise: on the CPU; what is drawn depends on it and the shape alone.
    """
    hidden = _through(told.hidden, haze, noise)
    pooled = None if told.pooled is None else _through(told.pooled, haze, noise)
    return replace(told, hidden=hidden, pooled=pooled)


def _through(y: Tensor, haze: ConditioningNoise, noise: Generator) -> Tensor:
    drawn = torch.randn(y.shape, generator=noise, dtype=torch.float32).to(y.device)
    plain = y.float()
    blurred = haze.keep * plain + haze.spread * drawn
    spread = blurred.std()
    centred = (blurred - blurred.mean()) / torch.where(spread > 0, spread, 1.0)
    matched = centred * plain.std() + plain.mean()
    return (haze.mix * matched + (1.0 - haze.mix) * blurred).to(y.dtype)
