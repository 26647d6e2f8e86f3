"""Stable Diffusion XL: two CLIP text encoders side by side, a pooled vector, and sizes told in numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

from negspace.errors import ModelError
from negspace.facts import ModelFacts
from negspace.models.architecture import unets
from negspace.models.architecture.family import Family, NetworkInput, chosen
from negspace.models.architecture.parts import clip
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import SAMPLERS
from negspace.request import Request, Sizes

if TYPE_CHECKING:
    from torch import Tensor

    from negspace.encoding import Encoder, TextEncoder
    from negspace.models.network.patching import PatchHost


@final
class StableDiffusionXL(Family):
    """An absent negative is zeros, unless the index says that the empty prompt is encoded.

    Told in numbers, (height, width) each: the size a picture was scaled from, where it was cropped, its size.
    """

    name = "sdxl"
    title = "Stable Diffusion XL"
    pipeline = "StableDiffusionXLPipeline"
    text_encoders = (
        clip(1, skip=1, norm="none"),
        clip(2, projecting=True, skip=1, norm="none", pooled="projected"),
    )
    denoiser = unets.UNET
    must_match = unets.ALIKE
    lora_mixin = "StableDiffusionXLLoraLoaderMixin"

    def describe(self, folder: ModelFolder) -> ModelFacts:
        unet, vae = folder.settings("unet"), folder.settings("vae")
        if folder.index.get("requires_aesthetics_score"):
            raise ModelError(f"{str(folder.path)!r} is a refiner, which finishes pictures and begins none")
        width, height = unets.size_of(unet, vae)
        few = unets.few_steps(folder.name)
        return ModelFacts(
            **chosen(
                folder,
                width=width,
                height=height,
                steps=4 if few else 30,
                scale=1.0 if few else 5.0,
                sampler=unets.sampler_of(folder),
            ),
            family=self.name,
            prediction=unets.prediction_of(folder),
            encoders=self.encoder_facts(folder),
            distilled=bool(folder.negspace_json.get("distilled", few)),
            absent="zeros" if folder.index.get("force_zeros_for_empty_prompt", True) else "empty",
            swaps=True,
            rules=unets.rules_of(unet),
            samplers=tuple(SAMPLERS),
            multiple=unets.multiple_of(unet, vae),
            sizes=True,
        )

    def join_encoders(self, encoders: "Sequence[TextEncoder]", settings: dict[str, Any]) -> "Encoder":
        from negspace.encoding import SideBySide

        return SideBySide(encoders)

    def numbers(
        self, request: Request, facts: ModelFacts, width: int, height: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        own = request.sizes or Sizes()
        return _size_numbers(own, width, height), _size_numbers(request.negative_sizes or own, width, height)

    def predict(self, denoiser: Any, inputs: NetworkInput) -> "Tensor":
        besides = {"text_embeds": inputs.pooled, "time_ids": inputs.numbers}
        return denoiser(inputs.x, inputs.times, inputs.hidden, added_cond_kwargs=besides, return_dict=False)[
            0
        ]

    def patch_host(self, denoiser: Any, name: str) -> "PatchHost":
        from negspace.models.network.patching import UNetPatchHost

        return UNetPatchHost(denoiser, name)


def _size_numbers(sizes: Sizes, width: int, height: int) -> tuple[float, ...]:
    pairs = (sizes.original or (width, height), sizes.crop, sizes.target or (width, height))
    return tuple(float(side) for across, down in pairs for side in (down, across))
