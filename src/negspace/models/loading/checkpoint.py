"""Checkpoint: a model of any family, opened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from negspace.encoding import Encoder, joined_scales, scaled, signs_and_scores, stack_scales
from negspace.errors import PictureError, RequestError
from negspace.facts import ModelFacts
from negspace.guidance import Patch
from negspace.guidance.patches import OtherWeights
from negspace.models.architecture.family import Family, NetworkInput
from negspace.models.base import Network, Row
from negspace.models.files.source import find_folder
from negspace.models.hardware import Placement
from negspace.models.loading.loaded import LoadedParts
from negspace.models.loading.reading import read_part
from negspace.models.lora.folder import AddedLora
from negspace.models.lora.variants import LoraVariants
from negspace.models.network.exchange import exchanging
from negspace.models.network.lock import ReadWriteLock
from negspace.models.network.patching import PatchHost
from negspace.models.samplers import Sampler
from negspace.records import LoraRecord
from negspace.request import Request


@final
class Checkpoint(Network):
    """A model of some family, opened at a placement."""

    def __init__(self, family: Family, facts: ModelFacts, placement: Placement, parts: LoadedParts) -> None:
        self._family = family
        self._facts = facts
        self._placement = placement
        self._parts = parts
        self._denoiser = _PatchableDenoiser(parts.denoiser, family.patch_host(parts.denoiser, facts.name))
        self._other_denoisers: dict[str, _PatchableDenoiser] = {}
        self._lock = ReadWriteLock()
        self._variants = LoraVariants[Network](self._with_added)

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    def fingerprint(self) -> str:
        return self._parts.weights.sha256()

    @property
    def parts(self) -> tuple[str, ...]:
        return self._parts.weights.replacements()

    @property
    def loras(self) -> tuple[LoraRecord, ...]:
        return self._parts.loras

    def with_loras(self, loras: Sequence[AddedLora]) -> Network:
        return self._variants.get(loras) if loras else self

    def _with_added(self, loras: tuple[AddedLora, ...]) -> Network:
        return Checkpoint(self._family, self._facts, self._placement, self._parts.with_loras(loras))

    @property
    def dtype(self) -> torch.dtype:
        return self._placement.dtype

    @property
    def device(self) -> torch.device:
        return self._placement.device

    @property
    def encoder(self) -> Encoder:
        return self._parts.encoder

    @property
    def versions(self) -> dict[str, str]:
        return dict(_versions())

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        multiple = self._facts.multiple
        if width % multiple or height % multiple:
            raise RequestError(f"size {width}x{height}: both sides must be multiples of {multiple}")
        vae, config = self._family.vae, self._parts.vae.config
        side = vae.pixels_per_latent(config)
        return vae.latent_channels(config), height // side, width // side

    def sampler(self, name: str, steps: int, shape: tuple[int, int, int]) -> Sampler:
        settings = self._parts.scheduler
        return Sampler(name, settings, steps, self._family.spacing(settings, steps, shape))

    def numbers(
        self, request: Request, width: int, height: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self._family.numbers(request, self._facts, width, height)

    def host(self, patch: Patch) -> None:
        self._denoiser.patch_host.check(patch)
        if isinstance(patch, OtherWeights) and patch.folder not in self._other_denoisers:
            self._other_denoisers[patch.folder] = self._other(patch.folder)

    def _other(self, place: str) -> "_PatchableDenoiser":
        """The network of another folder that is told and answers the same."""
        if not place:
            raise RequestError('no weaker network is given; write autoguidance(weak="FOLDER")')
        folder = find_folder(place)
        part, refused = self._family.denoiser, f"the network at {place!r} cannot stand for {self._facts.name}"
        if folder.pipeline != self._family.pipeline:
            raise RequestError(f"{refused}: it is a {folder.pipeline}, not a {self._family.pipeline}")
        own, other = self._parts.denoiser.config, folder.settings(part.folder)
        for name in self._family.must_match:
            if own[name] != other.get(name, own[name] if name == "out_channels" else None):
                raise RequestError(f"{refused}: {name} is {other.get(name)} there and {own[name]} here")
        if self._family.facts(folder).prediction != self._facts.prediction:
            raise RequestError(f"the network at {place!r} does not predict {self._facts.prediction}")
        read = read_part(part, folder.path / part.folder, self._placement)
        return _PatchableDenoiser(read, self._family.patch_host(read, place))

    @torch.inference_mode()
    def predict(self, rows: Sequence[Row]) -> Tensor:
        with self._lock.exclusive() if _changes(rows) else self._lock.shared():
            return self._predicted(rows)

    def _predicted(self, rows: Sequence[Row]) -> Tensor:
        swaps = [row.conditionings[0].exchange for row in rows if row.conditionings[0].exchange is not None]
        if not swaps:
            return self._answers(rows)
        if rows[0].patch is not None:
            raise RequestError("swap() and this rule both change the attention; choose another rule")
        edited = [replace(row, conditionings=(swap.edited,)) for row, swap in zip(rows, swaps, strict=True)]
        with exchanging(self._parts.denoiser, swaps):
            return self._answers([*rows, *edited])[len(rows) :]

    def _answers(self, rows: Sequence[Row]) -> Tensor:
        worked, first = self._denoiser, rows[0].patch
        if isinstance(first, OtherWeights):
            self.host(first)
            worked = self._other_denoisers[first.folder]
        inputs = self._inputs(rows)
        scale = stack_scales(_scales(rows), inputs.hidden.shape[1])
        turned, bias = (None, None) if scale is None else signs_and_scores(scale)
        with scaled(worked.patch_host.values, turned), worked.patch_host.applied(rows, bias):
            return self._family.predict(worked.network, inputs).float()

    def _inputs(self, rows: Sequence[Row]) -> NetworkInput:
        device = self.device
        hidden = [torch.cat([given.hidden for given in row.conditionings]) for row in rows]
        pooled = [row.conditionings[0].pooled for row in rows]
        masks = [
            torch.cat([given.mask for given in row.conditionings if given.mask is not None])
            for row in rows
            if row.conditionings[0].mask is not None
        ]
        return NetworkInput(
            x=self._placed(torch.stack([row.x for row in rows]), self.dtype),
            times=torch.tensor([row.t for row in rows], dtype=torch.float32, device=device),
            hidden=torch.stack(hidden).to(device, self.dtype),
            pooled=None
            if pooled[0] is None
            else torch.stack([vector for vector in pooled if vector is not None]).to(device, self.dtype),
            mask=torch.stack(masks).to(device) if masks else None,
            numbers=torch.tensor([row.numbers for row in rows], dtype=torch.float32, device=device)
            if rows[0].numbers
            else None,
        )

    @torch.inference_mode()
    def encode(self, pixels: np.ndarray) -> Tensor:
        vae, network = self._family.vae, self._parts.vae
        picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1.0
        return vae.normalize(
            network.config, vae.encode(network, self._placed(picture, network.dtype)).float()
        )[0]

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> np.ndarray:
        vae, network = self._family.vae, self._parts.vae
        scaled = self._placed(vae.denormalize(network.config, latents[None]), network.dtype)
        picture = vae.decode(network, scaled)[0].float()
        if not picture.isfinite().all():
            raise PictureError(
                "what the autoencoder makes of it is infinite or no number; load the model with "
                "dtype float32 (float16 overflows)"
            )
        levels = ((picture / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        return levels.permute(1, 2, 0).contiguous().cpu().numpy()

    def _placed(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        return x.to(self.device, dtype).contiguous(memory_format=self._placement.layout)


@dataclass(frozen=True, eq=False)
class _PatchableDenoiser:
    """A denoiser and the places where it can be changed."""

    network: Any
    patch_host: PatchHost


def _changes(rows: Sequence[Row]) -> bool:
    """Whether the network is changed for a forward, which others of it must not see."""
    return any(
        row.patch is not None
        or any(given.exchange or given.value_scale is not None for given in row.conditionings)
        for row in rows
    )


def _scales(rows: Sequence[Row]) -> Iterator[Tensor | None]:
    """The scales of all that a row is told; None where there are none."""
    for row in rows:
        yield joined_scales(row.conditionings)


@cache
def _versions() -> dict[str, str]:
    """Read once: looking them up takes as long as a small picture's decoding."""
    return {name: version(name) for name in ("diffusers", "torch", "transformers")}
