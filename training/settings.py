"""Every number that decides what the embedded weights are. How those of record were made: README.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class World:
    """Scenes rendered once. `side` is in pixels."""

    scenes: int = 60_000
    held_out: int = 4_000
    side: int = 64
    seed: int = 2


@dataclass(frozen=True)
class Vae:
    """AutoencoderKL: three halvings, so a latent position stands for 8x8 pixels."""

    channels: tuple[int, ...] = (16, 32, 96, 128)
    latent_channels: int = 24
    batch: int = 12
    minutes: float = 30.0
    rate: float = 1.5e-3
    kl: float = 1e-3


@dataclass(frozen=True)
class Decoder:
    """The decoder alone, on fixed latents with a little noise of that deviation."""

    batch: int = 8
    minutes: float = 7.0
    rate: float = 1e-3
    noise: float = 0.05


@dataclass(frozen=True)
class Larger:
    """The autoencoder with one more level at both ends: a latent position then stands for 16x16 pixels.

    The latents stay what they are, so the denoiser stays too. `side` is in pixels; the decoder is taught
    `minutes` on latents of the smaller pictures with a little noise of deviation `noise`, the encoder
    `encoder_minutes` to find those latents in the larger pictures.
    """

    side: int = 128
    channels: int = 16
    scenes: int = 10_000
    held_out: int = 1_000
    batch: int = 8
    minutes: float = 40.0
    encoder_minutes: float = 10.0
    rate: float = 1e-3
    noise: float = 0.05


@dataclass(frozen=True)
class Clip:
    """The contrastive pair: a text half of 77 tokens and an image half of 8x8 patches.

    It is told much of what is wrong with pictures (`blunt`, see `caption`): a word that it seldom hears stays
    one among others, and no denoiser can then tell it apart. A share of the batches (`alike`) holds marked
    scenes of one subject alone, so that nothing but the marks can tell its members apart.
    """

    width: int = 192
    layers: int = 3
    heads: int = 4
    projection: int = 128
    batch: int = 128
    minutes: float = 20.0
    rate: float = 1e-3
    blunt: float = 0.4
    alike: float = 0.5


@dataclass(frozen=True)
class Unet:
    """UNet2DConditionModel over latents, v prediction, min-SNR weighting, moving average of the weights."""

    channels: tuple[int, ...] = (160, 224)
    head_size: int = 32
    layers: int = 2
    batch: int = 64
    minutes: float = 120.0
    rate: float = 1e-3
    empty: float = 0.1
    blunt: float = 0.15
    min_snr: float = 5.0
    average: float = 0.999


@dataclass(frozen=True)
class Oracle:
    """The classifier that reads a scene back from pixels."""

    channels: tuple[int, ...] = (32, 64, 96, 160)
    batch: int = 128
    minutes: float = 5.0
    rate: float = 2e-3


@dataclass(frozen=True)
class Settings:
    """All stages together. `seed` starts every random stream of the training; `start` is a model folder whose
    weights the stages go on from, None to begin with random ones."""

    seed: int = 0
    start: Path | None = None
    world: World = field(default_factory=World)
    vae: Vae = field(default_factory=Vae)
    clip: Clip = field(default_factory=Clip)
    decoder: Decoder = field(default_factory=Decoder)
    larger: Larger = field(default_factory=Larger)
    unet: Unet = field(default_factory=Unet)
    oracle: Oracle = field(default_factory=Oracle)
