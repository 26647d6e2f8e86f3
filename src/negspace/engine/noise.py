"""Noise keyed by seed and step, so that nothing added to a request can shift the random stream."""

import hashlib
from dataclasses import replace

import torch
from torch import Generator, Tensor

from negspace.encoding import Conditioning
from negspace.guidance import ConditioningNoise


def keyed(seed: int, step: int, stream: str = "noise") -> Generator:
    """A generator that depends on the seed of the picture, the step, and its purpose.

    Step 0 is the first latent and uses the seed as it is, so that `torch.Generator().manual_seed(seed)` in
    diffusers starts from the same noise. Always on the CPU: a picture starts the same on every machine.
    """
    if step == 0 and stream == "noise":
        return Generator("cpu").manual_seed(seed)
    digest = hashlib.sha256(f"negspace {stream} {seed} {step}".encode()).digest()
    return Generator("cpu").manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def draw(seed: int, shape: tuple[int, int, int]) -> Tensor:
    """[channels, height, width] float32 unit noise, the start of the picture with this seed."""
    return torch.randn((1, *shape), generator=keyed(seed, 0), dtype=torch.float32)[0]


def with_noise(conditioning: Conditioning, noise: ConditioningNoise, generator: Generator) -> Conditioning:
    """The conditioning with noise on `hidden` and then on `pooled`, each by itself; the rest is unchanged."""
    hidden = noise.added(conditioning.hidden, generator)
    pooled = None if conditioning.pooled is None else noise.added(conditioning.pooled, generator)
    return replace(conditioning, hidden=hidden, pooled=pooled)
