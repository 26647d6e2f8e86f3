"""Every family that can be opened, one a file. Importing this loads neither torch nor a library of models."""

from negspace.errors import ModelError
from negspace.models.families.base import Family, NetworkInput
from negspace.models.families.chroma import Chroma
from negspace.models.families.flux import Flux
from negspace.models.families.parts import ModelPart, TextPart
from negspace.models.families.pixart import PixArtAlpha, PixArtSigma
from negspace.models.families.qwen_image import QwenImage
from negspace.models.families.sana import Sana
from negspace.models.families.sd import StableDiffusion
from negspace.models.families.sd3 import StableDiffusion3
from negspace.models.families.sdxl import StableDiffusionXL
from negspace.models.families.z_image import ZImage
from negspace.models.files.source import ModelFolder

__all__ = ["FAMILIES", "NetworkInput", "Family", "ModelPart", "TextPart", "family_of"]

FAMILIES: tuple[Family, ...] = (
    StableDiffusion(),
    StableDiffusionXL(),
    StableDiffusion3(),
    Flux(),
    Chroma(),
    PixArtAlpha(),
    PixArtSigma(),
    ZImage(),
    QwenImage(),
    Sana(),
)
"""Every family."""


def family_of(folder: ModelFolder) -> Family:
    """The family of a folder.

    Raises:
        ModelError: it is of a kind that is not known.
    """
    for family in FAMILIES:
        if folder.pipeline == family.pipeline:
            return family
    known = ", ".join(family.pipeline for family in FAMILIES)
    raise ModelError(f"{str(folder.path)!r} is a {folder.pipeline}; what can be opened is: {known}")
