"""Networks of every arrangement of text encoders, whose answer is a short formula instead of a UNet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from negspace.encoding import Encoder, EndToEnd, SideBySide
from negspace.errors import RequestError
from negspace.facts import EncoderFacts, ModelFacts
from negspace.generate import Result, Run
from negspace.guidance import Patch
from negspace.models.base import Network, Row
from negspace.models.samplers import Sampler
from negspace.planning.plan import plan
from negspace.request import Request
from tests.encoding.tiny import clip_encoder, clip_pair, t5_encoder

SETTINGS = {"num_train_timesteps": 100, "clip_sample": False, "prediction_type": "epsilon"}


@final
@dataclass(frozen=True, eq=False)
class Formula(Network):
    """tanh(0.3 x + the mean of all that is told): a row's answer depends on its own words alone."""

    known: ModelFacts
    reader: Encoder
    rows: list[Row] = field(default_factory=list[Row])

    @property
    def facts(self) -> ModelFacts:
        return self.known

    def fingerprint(self) -> str:
        return "0" * 64

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    @property
    def encoder(self) -> Encoder:
        return self.reader

    @property
    def versions(self) -> dict[str, str]:
        return {}

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        return 3, height // 8, width // 8

    def sampler(self, name: str, steps: int, shape: tuple[int, int, int]) -> Sampler:
        return Sampler(name, SETTINGS, steps)

    def host(self, patch: Patch) -> None:
        raise RequestError("a formula hosts no changes to itself")

    def predict(self, rows: Sequence[Row]) -> Tensor:
        self.rows.extend(rows)
        return torch.stack([torch.tanh(row.x * 0.3 + self._heard(row)) for row in rows])

    def _heard(self, row: Row) -> Tensor:
        told = row.conditionings[0]
        heard = told.hidden.mean()
        return heard if told.pooled is None else heard + told.pooled.mean()

    def encode(self, pixels: np.ndarray) -> Tensor:
        cells = torch.from_numpy(pixels.copy()).float().permute(2, 0, 1).unfold(1, 8, 8).unfold(2, 8, 8)
        return (cells.mean((-2, -1)) / 255).clamp(1e-3, 1 - 1e-3).logit()

    def decode(self, latents: Tensor) -> np.ndarray:
        return (latents.sigmoid() * 255).round().byte().permute(1, 2, 0).numpy()


_SAMPLERS = ("DDIM", "Euler a")
_TWO = (EncoderFacts(), EncoderFacts("text_encoder_2"))
_LANGUAGE = EncoderFacts("text_encoder_3", window=24, chunk=23, kind="llm")
_ALONE = EncoderFacts("text_encoder", window=24, chunk=23, kind="llm")

FAMILIES = {
    "sd": Formula(ModelFacts("sd", absent="empty", samplers=_SAMPLERS, scale=3.0), clip_encoder()),
    "sdxl": Formula(
        ModelFacts("sdxl", encoders=_TWO, absent="zeros", samplers=_SAMPLERS, scale=3.0),
        SideBySide(clip_pair()),
    ),
    "sd3": Formula(
        ModelFacts("sd3", encoders=(*_TWO, _LANGUAGE), absent="empty", samplers=_SAMPLERS, scale=3.0),
        EndToEnd(SideBySide(clip_pair()), t5_encoder(layer=None)),
    ),
    "flux": Formula(
        ModelFacts("flux", encoders=(_ALONE,), absent="none", samplers=_SAMPLERS, scale=3.0),
        t5_encoder(layer=None),
    ),
}


def made(family: str, prompt: str = "a red cat", **fields: Any) -> Result:
    """What a family makes of a request in four steps."""
    network = FAMILIES[family]
    network.rows.clear()
    request = Request.from_dict(
        {"prompt": prompt, "steps": 4, "sampler": "DDIM", "width": 32, "height": 32} | fields
    )
    return Run(network, plan(request, network.facts), None).result()
