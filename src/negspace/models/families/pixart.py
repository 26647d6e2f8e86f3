"""PixArt alpha and sigma: T5 alone, whose padding is masked, and a transformer with cross-attention."""

from abc import ABC
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts
from negspace.models.architecture.family import Defaults, NetworkInput
from negspace.models.architecture.parts import t5, transformer
from negspace.models.architecture.scheduler_settings import prediction_of, sampler_of
from negspace.models.architecture.transformers import TransformerFamily
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import SAMPLERS

if TYPE_CHECKING:
    from torch import Tensor


class PixArt(TransformerFamily, ABC):
    """An absent negative is the encoded empty prompt. Texts are read in lower case."""

    denoiser = transformer("pixart_transformer_2d", "PixArtTransformer2DModel")
    must_match = ("in_channels", "out_channels", "caption_channels")
    defaults = Defaults(steps=20, scale=4.5)
    few_steps = 4

    def describe(self, folder: ModelFolder) -> ModelFacts:
        facts = super().describe(folder)
        prediction, sampler = prediction_of(folder), sampler_of(folder)
        return replace(facts, prediction=prediction, samplers=tuple(SAMPLERS), sampler=sampler)

    def predict(self, denoiser: Any, given: NetworkInput) -> "Tensor":
        prediction = denoiser(
            given.x,
            encoder_hidden_states=given.hidden,
            encoder_attention_mask=given.mask,
            timestep=given.times,
            added_cond_kwargs=_size(given.x) if denoiser.config.sample_size == 128 else _NO_SIZE,
            return_dict=False,
        )[0]
        return prediction[:, : given.x.shape[1]]  # the channels behind are the variance that it learned


_NO_SIZE: dict[str, Any] = {"resolution": None, "aspect_ratio": None}


def _size(x: "Tensor") -> dict[str, "Tensor"]:
    """The size of pictures, at 8 pixels a latent, on which alpha at 1024 pixels is conditioned."""
    rows, _, height, width = x.shape
    resolution = x.new_tensor([[8.0 * height, 8.0 * width]]).repeat(rows, 1)
    return {"resolution": resolution, "aspect_ratio": x.new_full((rows, 1), height / width)}


@final
class PixArtAlpha(PixArt):
    """Texts of 120 tokens."""

    name = "pixart-alpha"
    title = "PixArt alpha"
    pipeline = "PixArtAlphaPipeline"
    text_encoders = (t5(1, 120, padding="masked", text="lowered"),)


@final
class PixArtSigma(PixArt):
    """Texts of 300 tokens."""

    name = "pixart-sigma"
    title = "PixArt sigma"
    pipeline = "PixArtSigmaPipeline"
    text_encoders = (t5(1, 300, padding="masked", text="lowered"),)
