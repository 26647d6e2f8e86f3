"""The denoiser: UNet2DConditionModel on latents, v prediction.

T. Salimans, J. Ho, Progressive Distillation for Fast Sampling of Diffusion Models (2022), v prediction;
T. Hang et al., Efficient Diffusion Training via Min-SNR Weighting Strategy (2023), equation 8 for v.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from transformers import CLIPTextModel, CLIPTokenizer

from training import data, tokenizer, vae
from training.common import Average, autocast, begun, channels_last, device, placed, train
from training.settings import Settings
from training.world import caption


def scheduler() -> DPMSolverMultistepScheduler:
    """The noise schedule of training, as the sampler that the model folder names."""
    return DPMSolverMultistepScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.02,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
    )


def build(settings: Settings) -> UNet2DConditionModel:
    """A denoiser of the settings' shape."""
    u = settings.unet
    below = len(u.channels) - 1
    heads: Any = tuple(c // u.head_size for c in u.channels)
    model = UNet2DConditionModel(
        sample_size=settings.world.side // 8,
        in_channels=settings.vae.latent_channels,
        out_channels=settings.vae.latent_channels,
        block_out_channels=u.channels,
        layers_per_block=u.layers,
        down_block_types=("CrossAttnDownBlock2D", *("DownBlock2D",) * below),
        up_block_types=(*("UpBlock2D",) * below, "CrossAttnUpBlock2D"),
        cross_attention_dim=settings.clip.width,
        attention_head_dim=heads,
    )
    return begun(model, settings, "unet")


def run(settings: Settings, state_dir: Path, out: Path) -> None:
    """Train on latents and captions; save the averaged weights in fp16."""
    torch.manual_seed(settings.seed + 2)
    u = settings.unet
    latents = vae.latents(settings, state_dir, out)
    scenes = data.scenes(settings.world)
    words = CLIPTokenizer.from_pretrained(out / "tokenizer")
    text = placed(CLIPTextModel.from_pretrained(out / "text_encoder", dtype=torch.bfloat16).eval())
    model = build(settings)
    model.set_attn_processor(AttnProcessor())  # on CPUs the fused kernel's backward pass takes twice as long
    channels_last(model)
    average = Average(model, u.average)
    rng = np.random.default_rng(settings.seed + 2)
    caption_rng = Random(settings.seed + 2)
    alpha_bar = scheduler().alphas_cumprod.to(device())

    @torch.no_grad()
    def encode(texts: list[str]) -> torch.Tensor:
        unique = list(dict.fromkeys(texts))
        ids = torch.tensor(tokenizer.encode(words, unique), device=device())
        hidden = text(ids).last_hidden_state
        return hidden[[unique.index(t) for t in texts]]

    def step(count: int) -> dict[str, torch.Tensor]:
        index = np.sort(rng.integers(len(latents), size=u.batch))
        texts = [
            "" if caption_rng.random() < u.empty else caption(scenes[i], caption_rng, u.blunt) for i in index
        ]
        x0 = latents[torch.from_numpy(index)].float().to(device())
        t = torch.randint(1000, (u.batch,), device=device())
        ab = alpha_bar[t][:, None, None, None]
        noise = torch.randn_like(x0)
        xt = (ab.sqrt() * x0 + (1 - ab).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        target = ab.sqrt() * noise - (1 - ab).sqrt() * x0
        with autocast():
            v = model(xt, t, encode(texts)).sample
        error = (v.float() - target).square().mean((1, 2, 3))
        snr = alpha_bar[t] / (1 - alpha_bar[t])
        weight = snr.clamp(max=u.min_snr) / (snr + 1)
        return {"loss": (weight * error).mean() / 0.4, "mse": error.mean()}

    train(
        "unet",
        state_dir,
        model,
        step,
        minutes=u.minutes,
        rate=u.rate,
        batch=u.batch,
        average=average,
        seed=settings.seed,
    )
    save(average.module, out)  # type: ignore[arg-type]


def save(model: UNet2DConditionModel, out: Path) -> None:
    """Write the denoiser and its scheduler into the model folder, in fp16."""
    model.half().save_pretrained(out / "unet")
    scheduler().save_pretrained(out / "scheduler")


def snapshot(settings: Settings, state_dir: Path, out: Path) -> int:
    """Write the averaged weights of the newest checkpoint; returns its number of steps."""
    saved = torch.load(state_dir / "unet.pt", map_location="cpu", weights_only=True)
    model = build(settings)
    model.load_state_dict(saved["average"])
    save(model, out)
    return int(saved["count"])
