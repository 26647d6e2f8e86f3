"""Stable Diffusion 1 and 2: one CLIP text encoder, a UNet with cross-attention, a convolutional VAE."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.utils import logging as transformers_logging

from negspace.encoding import Cache, Cached, Encoder, TextEncoder, scaled, stack_scales
from negspace.errors import ModelError, RequestError
from negspace.facts import ModelFacts
from negspace.guidance import Patch
from negspace.guidance.autoguidance import OtherWeights
from negspace.models.base import Network, Row
from negspace.models.exchange import exchanging
from negspace.models.fingerprint import fingerprint
from negspace.models.folder import ModelFolder, find_folder, sd_facts
from negspace.models.hardware import Footing
from negspace.models.patching import Patching
from negspace.models.samplers import Sampler

_WEIGHED = ("text_encoder", "unet", "vae")


@final
class StableDiffusion(Network):
    """A Stable Diffusion folder, opened.

    Args:
        folder: where it came from.
        facts: what it can be told.
        footing: where it stands and how it calculates.
        encoder: reads prompts.
        unet, vae: its networks, in evaluation mode.
        settings: of its scheduler.
    """

    def __init__(
        self,
        folder: ModelFolder,
        facts: ModelFacts,
        footing: Footing,
        encoder: Encoder,
        unet: Any,
        vae: Any,
        settings: dict[str, Any],
    ) -> None:
        self._folder = folder
        self._facts = facts
        self._footing = footing
        self._encoder = encoder
        self._unet = unet
        self._vae = vae
        self._settings = settings
        self._patching = Patching(unet, facts.name)
        self._others: dict[str, Patching] = {}

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    def fingerprint(self) -> str:
        folder = self._folder.path
        return fingerprint(
            folder, [file for part in _WEIGHED for file in (folder / part).glob("*.safetensors")]
        )

    @property
    def dtype(self) -> torch.dtype:
        return self._footing.dtype

    @property
    def device(self) -> torch.device:
        return self._footing.device

    @property
    def encoder(self) -> Encoder:
        return self._encoder

    @property
    def versions(self) -> dict[str, str]:
        return {name: version(name) for name in ("diffusers", "torch", "transformers")}

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        multiple = self._facts.multiple
        if width % multiple or height % multiple:
            raise RequestError(f"size {width}x{height}: both sides must be multiples of {multiple}")
        pixels = 2 ** (len(self._vae.config.block_out_channels) - 1)
        return self._unet.config.in_channels, height // pixels, width // pixels

    def sampler(self, name: str, steps: int) -> Sampler:
        return Sampler(name, self._settings, steps)

    def host(self, patch: Patch) -> None:
        self._patching.host(patch)
        if isinstance(patch, OtherWeights) and patch.folder not in self._others:
            self._others[patch.folder] = self._other(patch.folder)

    def _other(self, place: str) -> Patching:
        """The UNet of another folder that is told and answers the same."""
        if not place:
            raise RequestError('no weaker network is given; write autoguidance(weak="FOLDER")')
        folder = find_folder(place)
        own, other = self._unet.config, folder.settings("unet")
        for name in ("in_channels", "out_channels", "cross_attention_dim"):
            if own[name] != other.get(name):
                told = f"{name} is {other.get(name)} there and {own[name]} here"
                raise RequestError(f"the network at {place!r} cannot stand for {self._facts.name}: {told}")
        if sd_facts(folder).prediction != self._facts.prediction:
            raise RequestError(f"the network at {place!r} does not predict {self._facts.prediction}")
        with _quiet():
            return Patching(_read(UNet2DConditionModel, folder.path / "unet", self._footing), place)

    @torch.inference_mode()
    def predict(self, rows: Sequence[Row]) -> Tensor:
        swaps = [row.told[0].exchange for row in rows if row.told[0].exchange is not None]
        if not swaps:
            return self._answers(rows)
        if rows[0].patch is not None:
            raise RequestError("swap() and this rule both change the attention; choose another rule")
        edited = [replace(row, told=(swap.edited,)) for row, swap in zip(rows, swaps, strict=True)]
        with exchanging(self._unet, swaps):
            return self._answers([*rows, *edited])[len(rows) :]

    def _answers(self, rows: Sequence[Row]) -> Tensor:
        x = self._placed(torch.stack([row.x for row in rows]))
        times = torch.tensor([row.t for row in rows], dtype=torch.float32, device=self.device)
        told = torch.stack([torch.cat([one.hidden for one in row.told]) for row in rows])
        told = told.to(self.device, self.dtype)
        patching, first = self._patching, rows[0].patch
        if isinstance(first, OtherWeights):
            self.host(first)
            patching = self._others[first.folder]
        turned = stack_scales(_scales(rows), told.shape[1])
        with scaled(patching.values, turned), patching.carried_out(rows):
            return patching.unet(x, times, told, return_dict=False)[0].float()

    @torch.inference_mode()
    def encode(self, pixels: np.ndarray) -> Tensor:
        config = self._vae.config
        picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1.0
        latents = self._vae.encode(self._placed(picture)).latent_dist.mode()[0].float()
        return (latents - (config.shift_factor or 0.0)) * config.scaling_factor

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> np.ndarray:
        config = self._vae.config
        latents = latents[None] / config.scaling_factor + (config.shift_factor or 0.0)
        picture = self._vae.decode(self._placed(latents), return_dict=False)[0][0].float()
        levels = ((picture / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        return levels.permute(1, 2, 0).contiguous().cpu().numpy()

    def _placed(self, x: Tensor) -> Tensor:
        return x.to(self.device, self.dtype).contiguous(memory_format=self._footing.layout)


def _scales(rows: Sequence[Row]) -> Iterator[Tensor | None]:
    """The factors on the values of all that a row is told; None where there are none."""
    for row in rows:
        if all(one.value_scale is None for one in row.told):
            yield None
        else:
            ones = (one.hidden.new_ones(one.hidden.shape[0]) for one in row.told)
            given = zip(row.told, ones, strict=True)
            yield torch.cat([one if told.value_scale is None else told.value_scale for told, one in given])


def open_sd(folder: ModelFolder, footing: Footing) -> StableDiffusion:
    """The network in a Stable Diffusion folder.

    Raises:
        ModelError: a part is missing or cannot be read.
    """
    facts = sd_facts(folder)
    for part in ("tokenizer", *_WEIGHED):
        if not (folder.path / part).is_dir():
            raise ModelError(f"{str(folder.path)!r} has no {part} folder")
    for part in _WEIGHED:
        if not any((folder.path / part).glob("*.safetensors")):
            raise ModelError(
                f"{str(folder.path / part)!r} has no safetensors file; pickled weights are not opened"
            )
    with _quiet():
        tokenizer = CLIPTokenizer.from_pretrained(folder.path / "tokenizer", local_files_only=True)
        text = _read(CLIPTextModel, folder.path / "text_encoder", footing)
        unet = _read(UNet2DConditionModel, folder.path / "unet", footing)
        vae = _read(AutoencoderKL, folder.path / "vae", footing)
    settings = folder.settings("scheduler", "scheduler_config.json")
    encoder = Cached(TextEncoder(tokenizer, text, facts.encoders[0]), Cache())
    return StableDiffusion(folder, facts, footing, encoder, unet, vae, settings)


def _read(kind: Any, path: Path, footing: Footing) -> Any:
    try:
        part = kind.from_pretrained(path, dtype=footing.dtype, use_safetensors=True, local_files_only=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"cannot read {str(path)!r}: {' '.join(str(error).split())[:300]}") from None
    part = part.eval().requires_grad_(False)
    return part.to(device=footing.device, memory_format=footing.layout)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' own progress bars and advice on standard error."""
    bars = transformers_logging.is_progress_bar_enabled()
    levels = diffusers_logging.get_verbosity(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    diffusers_logging.set_verbosity_error()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        diffusers_logging.set_verbosity(levels[0])
        transformers_logging.set_verbosity(levels[1])
        if bars:
            transformers_logging.enable_progress_bar()
