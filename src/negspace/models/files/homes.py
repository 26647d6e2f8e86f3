"""Homes: of which model of the hub the settings and vocabulary are those of a model in one file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from negspace.errors import ModelError
from negspace.models.files.few_steps import published
from negspace.models.files.headers import TensorHeader
from negspace.models.files.training_hints import looks_like_v

Held = Mapping[str, TensorHeader]
"""What a file holds."""

_OPEN_CLIP_WIDTH = 1024
"""Of the text encoder of Stable Diffusion 2, as the attention of its UNet reads it."""


def sd_home(file: Path, held: Held, says: Mapping[str, Any]) -> str:
    """Stable Diffusion 1.5, or 2.1 in either of its kinds."""
    second = any(name.startswith("cond_stage_model.model.") for name in held)
    if not second and _context_width(held) != _OPEN_CLIP_WIDTH:
        return "stable-diffusion-v1-5/stable-diffusion-v1-5"
    prediction = says.get("prediction_type")
    v = looks_like_v(file, held) if prediction is None else prediction == "v_prediction"
    return "stabilityai/stable-diffusion-2-1" if v else "stabilityai/stable-diffusion-2-1-base"


def _context_width(held: Held) -> int | None:
    """Width of the texts that a UNet's attention reads."""
    return next(
        (tensor.shape[1] for name, tensor in held.items() if name.endswith("attn2.to_k.weight")), None
    )


def sdxl_home(file: Path, held: Held, says: Mapping[str, Any]) -> str:
    """The only one.

    Raises:
        ModelError: it is the refiner.
    """
    if any(name.startswith("conditioner.embedders.0.model.") for name in held):
        raise ModelError(f"{str(file)!r} is a refiner, which finishes pictures and begins none")
    return "stabilityai/stable-diffusion-xl-base-1.0"


def sd3_home(file: Path, held: Held, says: Mapping[str, Any]) -> str:
    """Stable Diffusion 3 medium, or 3.5 medium or large by its blocks."""
    if not _any(held, "x_block.attn.ln_q.weight", "transformer_blocks.0.attn.norm_q.weight"):
        return "stabilityai/stable-diffusion-3-medium-diffusers"
    large = any("_blocks.37." in name for name in held)
    return f"stabilityai/stable-diffusion-3.5-{'large' if large else 'medium'}"


def flux_home(file: Path, held: Held, says: Mapping[str, Any]) -> str:
    """FLUX.1 dev where it takes a guidance, else schnell."""
    guided = _any(held, "guidance_in.in_layer.weight", "guidance_embedder.linear_1.weight")
    return f"black-forest-labs/FLUX.1-{'dev' if guided else 'schnell'}"


def chroma_home(*_: object) -> str:
    """Chroma1-HD, whose settings the others share."""
    return "lodestones/Chroma1-HD"


def z_image_home(file: Path, held: Held, says: Mapping[str, Any]) -> str:
    """Z-Image-Turbo where the file has a name of that, else Z-Image; both have the same tensors."""
    return f"Tongyi-MAI/Z-Image{'' if published(file.stem) is None else '-Turbo'}"


def qwen_image_home(*_: object) -> str:
    """Qwen-Image, whose settings its later editions share."""
    return "Qwen/Qwen-Image"


def _any(held: Held, *ends: str) -> bool:
    return any(name.endswith(ends) for name in held)
