"""The second pass over a picture: what it is drawn on from, and the plan of that pass alone."""

from collections.abc import Mapping

import numpy as np
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from negspace.facts import ModelFacts
from negspace.hires import Hires, Upscaler
from negspace.models.base import Network
from negspace.planning.plan import Plan, plan_governed

_PIXELS: Mapping[Upscaler, Image.Resampling] = {
    "Lanczos": Image.Resampling.LANCZOS,
    "Nearest": Image.Resampling.NEAREST,
}
_LATENTS: Mapping[Upscaler, tuple[str, bool]] = {
    "Latent": ("bilinear", False),
    "Latent (antialiased)": ("bilinear", True),
    "Latent (bicubic)": ("bicubic", False),
    "Latent (bicubic antialiased)": ("bicubic", True),
    "Latent (nearest)": ("nearest", False),
    "Latent (nearest-exact)": ("nearest-exact", False),
}
"""Mode of interpolation, and whether it is smoothed first."""


def second_plan(plan: Plan, hires: Hires, facts: ModelFacts) -> Plan:
    """The plan of the second pass: the same texts, terms, rule and seed, at its own size and steps.

    Raises:
        RequestError: the model cannot make it.
    """
    sides = {"width": hires.width, "height": hires.height, "steps": hires.steps, "hires": None}
    return plan_governed(plan.carried.model_copy(update=sides), plan.negative_dialect, facts, plan)


def enlarged(latents: Tensor, hires: Hires, network: Network) -> Tensor:
    """The latents of a picture at the size of its second pass.

    Args:
        latents: [channels, height, width] float32, clean, of the first pass.

    Raises:
        PictureError: they cannot be decoded.
    """
    assert hires.width is not None and hires.height is not None  # resolved in the plan
    if hires.upscaler in _LATENTS:
        mode, smooth = _LATENTS[hires.upscaler]
        _, height, width = network.latent_shape(hires.width, hires.height)
        return interpolate(latents[None], (height, width), mode=mode, antialias=smooth)[0]
    picture = Image.fromarray(network.decode(latents))
    large = picture.resize((hires.width, hires.height), _PIXELS[hires.upscaler])
    return network.encode(np.asarray(large))
