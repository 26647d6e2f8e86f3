"""Stable Diffusion XL: two CLIP text encoders side by side, a pooled vector, and sizes as numbers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

from negspace.errors import ModelError
from negspace.facts import ModelFacts
from negspace.models.architecture.family import Defaults, NetworkInput
from negspace.models.architecture.parts import clip
from negspace.models.architecture.unets import UNetFamily
from negspace.models.files.source import ModelFolder
from negspace.request import Request, Sizes

if TYPE_CHECKING:
    from torch import Tensor

    from negspace.encoding import Encoder, TextEncoder


@final
class StableDiffusionXL(UNetFamily):
    """An absent negative is zeros, unless the index says that the empty prompt is encoded.

    Its numbers, (height, width) each: the size a picture was scaled from, where it was cropped, its size.
    """

    name = "sdxl"
    title = "Stable Diffusion XL"
    pipeline = "StableDiffusionXLPipeline"
    text_encoders = (
        clip(1, skip=1, norm="none"),
        clip(2, projecting=True, skip=1, norm="none", pooled="projected"),
    )
    defaults = Defaults(steps=30, scale=5.0)
    trained_aspect = 4.0  # the buckets of the SDXL report, appendix I: 512x2048 to 2048x512
    few_steps = 4

    def describe(self, folder: ModelFolder) -> ModelFacts:
        if folder.index.get("requires_aesthetics_score"):
            raise ModelError(f"{str(folder.path)!r} is a refiner, which finishes pictures and begins none")
        zeros = folder.index.get("force_zeros_for_empty_prompt", True)
        facts = super().describe(folder)
        return replace(facts, absent="zeros" if zeros else "empty", sizes=True)

    def join_encoders(self, encoders: "Sequence[TextEncoder]", settings: dict[str, Any]) -> "Encoder":
        from negspace.encoding import SideBySide

        return SideBySide(encoders)

    def numbers(
        self, request: Request, facts: ModelFacts, width: int, height: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        positive = request.sizes or Sizes()
        negative = request.negative_sizes or positive
        return _as_numbers(positive, width, height), _as_numbers(negative, width, height)

    def predict(self, denoiser: Any, given: NetworkInput) -> "Tensor":
        added = {"text_embeds": given.pooled, "time_ids": given.numbers}
        return denoiser(given.x, given.times, given.hidden, added_cond_kwargs=added, return_dict=False)[0]


def _as_numbers(sizes: Sizes, width: int, height: int) -> tuple[float, ...]:
    pairs = (sizes.original or (width, height), sizes.crop, sizes.target or (width, height))
    return tuple(float(side) for across, down in pairs for side in (down, across))
