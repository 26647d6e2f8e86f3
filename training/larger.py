"""Grow the autoencoder by one level at both ends: pictures of twice the side from the same latents.

The new levels begin as the identity, so that training begins with the old pictures, enlarged. The decoder is
taught first: from the latents that the old encoder finds in the smaller render of a scene it draws the larger
one. The new encoder is then taught to find those latents in the larger render. The denoiser stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from training import data
from training.common import Average, autocast, channels_last, device, train
from training.decoder import decoding_loss
from training.settings import Settings
from training.vae import build, encode, psnr


def run(settings: Settings, state_dir: Path, out: Path) -> None:
    """Grow `out/vae`, train its new halves, save it in place."""
    torch.manual_seed(settings.seed + 5)
    small = _smaller(settings, out)
    latents, pictures = _pairs(settings, state_dir, small, held_out=False)
    checked, held_out = _pairs(settings, state_dir, small, held_out=True)
    model = grown(settings, small)
    channels_last(model)
    model.requires_grad_(False)
    trained = _decoder(settings, state_dir, model, latents, pictures)
    trained = _encoder(settings, state_dir, trained, latents, pictures)
    found = encode(trained, held_out).float()
    print(f"larger: latents {_agreement(found, checked):.2f} dB from those of the smaller pictures")
    print(f"larger: {psnr(trained, held_out):.2f} dB on held-out scenes")
    trained.half().save_pretrained(out / "vae")


def _smaller(settings: Settings, out: Path) -> AutoencoderKL:
    model = AutoencoderKL.from_pretrained((settings.start or out) / "vae", dtype=torch.float32).eval()
    if len(model.config["block_out_channels"]) != len(settings.vae.channels):
        raise SystemExit(
            f"larger: the autoencoder of {settings.start or out} is of another shape; see --start"
        )
    channels_last(model)
    return model


def _pairs(
    settings: Settings, state_dir: Path, small: AutoencoderKL, held_out: bool
) -> tuple[Tensor, np.ndarray]:
    """Latents of the smaller renders, and the larger renders of the same scenes."""
    larger = settings.larger
    world = replace(settings.world, scenes=larger.scenes, held_out=larger.held_out)
    if held_out:  # no scene of any stage
        world = replace(world, scenes=settings.world.scenes)
    file = state_dir / f"latents-of-{'held-out' if held_out else larger.scenes}.pt"
    if not file.exists():
        torch.save(encode(small, data.pictures(world, state_dir, held_out)), file)
    pictures = data.pictures(replace(world, side=larger.side), state_dir, held_out)
    return torch.load(file, weights_only=True), pictures


def grown(settings: Settings, small: AutoencoderKL) -> AutoencoderKL:
    """An autoencoder of one more level, whose other weights are those of `small`."""
    channels = (settings.larger.channels, *settings.vae.channels)
    world = replace(settings.world, side=settings.larger.side)
    model = build(replace(settings, start=None, world=world, vae=replace(settings.vae, channels=channels)))
    weights = {_renamed(name): values for name, values in small.state_dict().items()}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected, unexpected
    assert all(_is_new(name, len(channels)) for name in missing), missing
    _begin_as_identity(model)
    return model


def _renamed(name: str) -> str:
    """A weight's name in the grown autoencoder: the levels of the encoder move by one."""
    parts = name.split(".")
    if parts[:2] == ["encoder", "down_blocks"]:
        parts[2] = str(int(parts[2]) + 1)
    return ".".join(parts)


def _is_new(name: str, levels: int) -> bool:
    last = levels - 1
    return name.startswith(
        ("encoder.down_blocks.0.", f"decoder.up_blocks.{last}.", f"decoder.up_blocks.{last - 1}.upsamplers.")
    )


@torch.no_grad()
def _begin_as_identity(model: AutoencoderKL) -> None:
    first: Any = model.encoder.down_blocks[0]
    *_, before, last = model.decoder.up_blocks
    for resnet in (*first.resnets, *last.resnets):  # type: ignore[union-attr]
        resnet.conv2.weight.zero_()
        resnet.conv2.bias.zero_()
    for conv, share in ((before.upsamplers[0].conv, _middle()), (first.downsamplers[0].conv, _mean())):  # type: ignore[union-attr]
        conv.bias.zero_()
        conv.weight.copy_(torch.eye(len(conv.weight))[:, :, None, None] * share)


def _middle() -> Tensor:
    kernel = torch.zeros(3, 3)
    kernel[1, 1] = 1
    return kernel


def _mean() -> Tensor:
    kernel = torch.zeros(3, 3)
    kernel[:2, :2] = 0.25
    return kernel


def _decoder(
    settings: Settings, state_dir: Path, model: AutoencoderKL, latents: Tensor, pictures: np.ndarray
) -> AutoencoderKL:
    larger = settings.larger
    model.decoder.requires_grad_(True)
    rng = np.random.default_rng(settings.seed + 5)

    def step(count: int) -> dict[str, Tensor]:
        index = np.sort(rng.integers(len(pictures), size=larger.batch))
        return decoding_loss(model, latents[torch.from_numpy(index)], pictures[index], larger.noise)

    average = Average(model, 0.998)
    settled: dict[str, Any] = {"minutes": larger.minutes, "rate": larger.rate, "batch": larger.batch}
    train("larger-decoder", state_dir, model, step, **settled, average=average)
    assert isinstance(average.module, AutoencoderKL)
    return average.module


def _encoder(
    settings: Settings, state_dir: Path, model: AutoencoderKL, latents: Tensor, pictures: np.ndarray
) -> AutoencoderKL:
    larger = settings.larger
    model.requires_grad_(False)
    model.encoder.requires_grad_(True)
    model.quant_conv.requires_grad_(True)  # type: ignore[union-attr]
    rng = np.random.default_rng(settings.seed + 6)

    def step(count: int) -> dict[str, Tensor]:
        index = np.sort(rng.integers(len(pictures), size=larger.batch))
        x = data.tensor(pictures[index]).to(device(), memory_format=torch.channels_last)
        z = latents[torch.from_numpy(index)].float().to(device())
        with autocast():
            found = model.encode(x, return_dict=False)[0].mean
        error = (found.float() - z).square().mean()
        return {"loss": error, "mse": error}

    average = Average(model, 0.998)
    settled: dict[str, Any] = {"minutes": larger.encoder_minutes, "rate": larger.rate, "batch": larger.batch}
    train("larger-encoder", state_dir, model, step, **settled, average=average)
    assert isinstance(average.module, AutoencoderKL)
    return average.module


def _agreement(found: Tensor, wanted: Tensor) -> float:
    """Signal to error in dB; latents have variance 1."""
    return float(-10 * torch.log10((found - wanted.float()).square().mean()))
