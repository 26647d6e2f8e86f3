"""What the families with a UNet share."""

from typing import Any

from negspace.errors import ModelError
from negspace.facts import Prediction
from negspace.guidance.branch import Need
from negspace.models.architecture.autoencoders import KL
from negspace.models.architecture.family import rules_for
from negspace.models.architecture.parts import ModelPart
from negspace.models.files.source import ModelFolder

UNET = ModelPart("unet", "diffusers.models.unets.unet_2d_condition", "UNet2DConditionModel")

ALIKE = ("in_channels", "out_channels", "cross_attention_dim")

FEW = ("turbo", "lightning", "lcm", "hyper", "dmd", "schnell")
"""Parts of names by which models distilled to a few steps are known."""

_SAMPLERS = {
    "DDIMScheduler": "DDIM",
    "DDPMScheduler": "DDPM",
    "EulerDiscreteScheduler": "Euler",
    "EulerAncestralDiscreteScheduler": "Euler a",
    "HeunDiscreteScheduler": "Heun",
    "UniPCMultistepScheduler": "UniPC",
}


def rules_of(unet: dict[str, Any]) -> tuple[str, ...]:
    """The rules that a UNet with these settings can host."""
    blocks = (*unet["down_block_types"], *unet["up_block_types"])
    middle = unet.get("mid_block_type", "UNetMidBlock2DCrossAttn") == "UNetMidBlock2DCrossAttn"
    crossing = middle or any("CrossAttn" in block for block in blocks)
    own = not unet.get("only_cross_attention", False)
    there: list[Need] = ["cross-attention", "self-attention"] if crossing else []
    if middle and own is True:
        there.append("mid self-attention")
    return rules_for(*there)


def multiple_of(unet: dict[str, Any], vae: dict[str, Any]) -> int:
    """What width and height must be multiples of: a latent at the bottom of the UNet, in pixels."""
    return KL.pixels_per_latent(vae) * 2 ** (len(unet["block_out_channels"]) - 1)


def size_of(unet: dict[str, Any], vae: dict[str, Any]) -> tuple[int, int]:
    """(width, height) in pixels that the UNet was made for."""
    sample = unet.get("sample_size") or 64
    height, width = (sample, sample) if isinstance(sample, int) else sample
    return width * KL.pixels_per_latent(vae), height * KL.pixels_per_latent(vae)


def prediction_of(folder: ModelFolder) -> Prediction:
    """What the network answers with.

    Raises:
        ModelError: it is something that is not known.
    """
    settings = folder.scheduler
    match settings.get("prediction_type", "epsilon"):
        case "epsilon" | "v_prediction" as named:
            return named
        case other:
            known = "what is known is epsilon and v_prediction"
            raise ModelError(f"{str(folder.path)!r} predicts {other!r}; {known}")


def sampler_of(folder: ModelFolder, otherwise: str = "DPM++ 2M") -> str:
    """The name of the sampler that a folder comes with."""
    settings = folder.scheduler
    return _SAMPLERS.get(str(settings.get("_class_name")), otherwise)


def few_steps(name: str) -> bool:
    """Whether a model is, by its name, distilled to a few steps."""
    return any(part in name.lower() for part in FEW)
