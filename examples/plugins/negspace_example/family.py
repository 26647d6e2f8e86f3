"""Stable Diffusion folders that name the pipeline with self-attention guidance."""

from typing import TYPE_CHECKING, Any, final

from negspace.models.architecture.family import Defaults, NetworkInput
from negspace.models.architecture.parts import clip
from negspace.models.architecture.unets import UNetFamily

if TYPE_CHECKING:
    from torch import Tensor


@final
class StableDiffusionSag(UNetFamily):
    """An absent negative is the encoded empty prompt; a negative has a branch of its own."""

    name = "sd-sag"
    title = "Stable Diffusion, SAG"
    pipeline = "StableDiffusionSAGPipeline"
    text_encoders = (clip(1),)
    defaults = Defaults(steps=20, scale=7.5)
    few_steps = 4

    def predict(self, denoiser: Any, given: NetworkInput) -> "Tensor":
        return denoiser(given.x, given.times, given.hidden, return_dict=False)[0]
