"""Stable Diffusion 1 and 2: one CLIP text encoder, a UNet with cross-attention."""

from typing import TYPE_CHECKING, Any, final

from negspace.models.architecture.family import Defaults, NetworkInput
from negspace.models.architecture.parts import clip
from negspace.models.architecture.unets import UNetFamily

if TYPE_CHECKING:
    from torch import Tensor


@final
class StableDiffusion(UNetFamily):
    """An absent negative is the encoded empty prompt; a negative acts in a branch of its own."""

    name = "sd"
    title = "Stable Diffusion 1 and 2"
    pipeline = "StableDiffusionPipeline"
    text_encoders = (clip(1),)
    defaults = Defaults(steps=20, scale=7.5)
    few_steps = 4

    def predict(self, denoiser: Any, given: NetworkInput) -> "Tensor":
        return denoiser(given.x, given.times, given.hidden, return_dict=False)[0]
