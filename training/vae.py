"""The autoencoder: pixels <-> latents of 24 channels at an eighth of the side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from training import data
from training.common import Average, autocast, begun, channels_last, device, train
from training.settings import Settings


def build(settings: Settings) -> AutoencoderKL:
    """An autoencoder of the settings' shape."""
    vae = settings.vae
    levels = len(vae.channels)
    down_and_up: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "block_out_channels": vae.channels,
    }
    model = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        **down_and_up,
        layers_per_block=1,
        latent_channels=vae.latent_channels,
        norm_num_groups=8,
        sample_size=settings.world.side,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )
    return begun(model, settings, "vae")


def run(settings: Settings, state_dir: Path, out: Path) -> None:
    """Train, normalise the latents to mean 0 and deviation 1 a channel, save in fp16."""
    torch.manual_seed(settings.seed)
    pictures = data.pictures(settings.world, state_dir)
    model = build(settings)
    channels_last(model)
    average = Average(model, 0.998)
    rng = np.random.default_rng(settings.seed)

    def step(count: int) -> dict[str, torch.Tensor]:
        index = rng.integers(len(pictures), size=settings.vae.batch)
        x = data.tensor(pictures[np.sort(index)]).to(device(), memory_format=torch.channels_last)
        with autocast():
            posterior = model.encode(x, return_dict=False)[0]
            y = decode(model, posterior.sample())
        y = y.float()
        kl = posterior.kl().float().mean() / posterior.mean[0].numel()
        losses = loss_of(y, x)
        return losses | {"loss": losses["loss"] + settings.vae.kl * kl, "kl": kl}

    v = settings.vae
    train(
        "vae",
        state_dir,
        model,
        step,
        minutes=v.minutes,
        rate=v.rate,
        batch=v.batch,
        average=average,
        seed=settings.seed,
    )
    final = average.module
    assert isinstance(final, AutoencoderKL)
    _normalise(final, pictures[:4096])
    held_out = data.pictures(settings.world, state_dir, held_out=True)[:1024]
    print(f"vae: {psnr(final, held_out):.2f} dB on held-out scenes")
    final.half().save_pretrained(out / "vae")


def decode(model: AutoencoderKL, z: torch.Tensor) -> torch.Tensor:
    """Latents [n, channels, h, w] -> pixels [n, 3, 8h, 8w] in about -1…1."""
    return model.decode(z, return_dict=False)[0]  # pyright: ignore[reportArgumentType]


def loss_of(y: torch.Tensor, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """How far a reconstruction is from its picture: in pixels (squared as well, for what is small but far
    off, as flakes and grain are) and, for sharp edges, in their differences."""
    pixels = (y - x).abs().mean()
    square = (y - x).square().mean()
    across = (y.diff(dim=3) - x.diff(dim=3)).abs().mean()
    down = (y.diff(dim=2) - x.diff(dim=2)).abs().mean()
    return {"loss": pixels + 2 * square + 0.5 * (across + down), "l1": pixels, "mse": square}


def latents(settings: Settings, state_dir: Path, out: Path) -> torch.Tensor:
    """The latents of all scenes to train on, float16 [n, channels, side/8, side/8], encoded on first use."""
    file = state_dir / "latents.pt"
    if not file.exists():
        model = AutoencoderKL.from_pretrained(out / "vae", dtype=torch.float32).eval()
        channels_last(model)
        z = encode(model, data.pictures(settings.world, state_dir))
        torch.save(z, file.with_suffix(".partial"))
        file.with_suffix(".partial").replace(file)
        print(f"encoded {len(z)} pictures", flush=True)
    return torch.load(file, weights_only=True, mmap=True)


@torch.no_grad()
def encode(model: AutoencoderKL, pictures: np.ndarray, batch: int = 128) -> torch.Tensor:
    """The posterior means [n, channels, side/8, side/8] of uint8 pictures, float16."""
    parts = []
    for i in range(0, len(pictures), batch):
        x = data.tensor(pictures[i : i + batch]).to(device(), memory_format=torch.channels_last)
        with autocast():
            parts.append(model.encode(x, return_dict=False)[0].mean.half().cpu().contiguous())
    return torch.cat(parts)


@torch.no_grad()
def _normalise(model: AutoencoderKL, pictures: np.ndarray) -> None:
    """Fold the latents' mean and deviation a channel into the two 1x1 convolutions around them."""
    z = encode(model, pictures).float()
    mean = z.mean((0, 2, 3)).to(device())
    std = z.std((0, 2, 3)).to(device())
    before, after = model.quant_conv, model.post_quant_conv
    assert before is not None and after is not None and before.bias is not None and after.bias is not None
    n = len(mean)
    before.weight[:n] /= std[:, None, None, None]
    before.bias[:n] = (before.bias[:n] - mean) / std
    before.bias[n:] -= 2 * std.log()  # the second half is the posterior's log variance
    after.bias += (after.weight[:, :, 0, 0] * mean).sum(1)
    after.weight *= std[None, :, None, None]


@torch.no_grad()
def psnr(model: AutoencoderKL, pictures: np.ndarray) -> float:
    """Peak signal to noise of the round trip through the mean latents, in dB."""
    error = []
    for i in range(0, len(pictures), 128):
        x = data.tensor(pictures[i : i + 128]).to(device(), memory_format=torch.channels_last)
        with autocast():
            y = decode(model, model.encode(x, return_dict=False)[0].mean)
        error.append((y.float().clamp(-1, 1) - x).square().mean((1, 2, 3)))
    return float(10 * torch.log10(4 / torch.cat(error)).mean())
