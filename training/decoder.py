"""Polish the decoder alone on the fixed latents: most of what a short training of the pair leaves soft.

The encoder, and with it the latents that the denoiser learned, stay as they are.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from training import data
from training.common import Average, autocast, channels_last, device, train
from training.settings import Settings
from training.vae import build, decode, latents, loss_of, psnr


def run(settings: Settings, state_dir: Path, out: Path) -> None:
    """Train the decoder half of `out/vae`, save it in place."""
    torch.manual_seed(settings.seed + 4)
    d = settings.decoder
    pictures = data.pictures(settings.world, state_dir)
    held_out = data.pictures(settings.world, state_dir, held_out=True)[:1024]
    z = latents(settings, state_dir, out)
    model = build(replace(settings, start=out))
    channels_last(model)
    print(f"decoder: {psnr(model, held_out):.2f} dB before")
    model.encoder.requires_grad_(False)
    model.quant_conv.requires_grad_(False)  # type: ignore[union-attr]
    average = Average(model, 0.998)
    rng = np.random.default_rng(settings.seed + 4)

    def step(count: int) -> dict[str, Tensor]:
        index = np.sort(rng.integers(len(pictures), size=d.batch))
        return decoding_loss(model, z[torch.from_numpy(index)], pictures[index], d.noise)

    train("decoder", state_dir, model, step, minutes=d.minutes, rate=d.rate, batch=d.batch, average=average)
    final = average.module
    assert isinstance(final, AutoencoderKL)
    print(f"decoder: {psnr(final, held_out):.2f} dB after")
    final.half().save_pretrained(out / "vae")


def decoding_loss(
    model: AutoencoderKL, latents: Tensor, pictures: np.ndarray, noise: float
) -> dict[str, Tensor]:
    """The loss of decoding a batch of latents into its pictures.

    Args:
        model: whose decoder is taught.
        latents: [n, channels, height, width].
        pictures: [n, height, width, 3] uint8.
        noise: deviation of what is added to the latents: a denoiser's are not exact either.
    """
    x = data.tensor(pictures).to(device(), memory_format=torch.channels_last)
    z = latents.float().to(device())
    z = z + noise * torch.randn_like(z)
    with autocast():
        y = decode(model, z.contiguous(memory_format=torch.channels_last))
    return loss_of(y.float(), x)
