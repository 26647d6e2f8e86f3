"""Stable Diffusion 1 and 2: one CLIP text encoder, a UNet with cross-attention."""

from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts
from negspace.models.architecture import unets
from negspace.models.architecture.family import Family, NetworkInput, chosen
from negspace.models.architecture.parts import clip
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import SAMPLERS

if TYPE_CHECKING:
    from torch import Tensor

    from negspace.models.network.patching import PatchHost


@final
class StableDiffusion(Family):
    """An absent negative is the encoded empty prompt; a negative acts in a branch of its own."""

    name = "sd"
    title = "Stable Diffusion 1 and 2"
    pipeline = "StableDiffusionPipeline"
    text_encoders = (clip(1),)
    denoiser = unets.UNET
    must_match = unets.ALIKE
    lora_mixin = "StableDiffusionLoraLoaderMixin"

    def describe(self, folder: ModelFolder) -> ModelFacts:
        unet, vae = folder.settings("unet"), folder.settings("vae")
        width, height = unets.size_of(unet, vae)
        few = unets.few_steps(folder.name)
        return ModelFacts(
            **chosen(
                folder,
                width=width,
                height=height,
                steps=4 if few else 20,
                scale=1.0 if few else 7.5,
                sampler="DPM++ 2M",
            ),
            family=self.name,
            prediction=unets.prediction_of(folder),
            encoders=self.encoder_facts(folder),
            distilled=bool(folder.negspace_json.get("distilled", few)),
            swaps=True,
            rules=unets.rules_of(unet),
            samplers=tuple(SAMPLERS),
            multiple=unets.multiple_of(unet, vae),
        )

    def predict(self, denoiser: Any, inputs: NetworkInput) -> "Tensor":
        return denoiser(inputs.x, inputs.times, inputs.hidden, return_dict=False)[0]

    def patch_host(self, denoiser: Any, name: str) -> "PatchHost":
        from negspace.models.network.patching import UNetPatchHost

        return UNetPatchHost(denoiser, name)
