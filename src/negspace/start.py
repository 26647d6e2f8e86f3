"""Start: the picture that is started from, how far it is left behind, and where it is redrawn."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from negspace.errors import RequestError
from negspace.pixels import Pixels, from_base64, read_mask, read_picture
from negspace.words import Words

_NEARLY = 1e-9  # 0.29 * 100 is 29 steps, whatever binary fractions make of it


def _picture(given: object) -> object:
    return read_picture(from_base64(given)) if isinstance(given, str) else given


def _mask(given: object) -> object:
    return read_mask(from_base64(given)) if isinstance(given, str) else given


class Start(Words):
    """What a picture is made of instead of noise alone.

    Attributes:
        picture: what is started from. A text is read as base64 of any picture file, or a data URL of it.
        strength: the share of the steps that is taken, 1 leaves nothing of the picture.
        mask: where it is redrawn: white is, black keeps every pixel as it is, grey mixes. None is everywhere.
    """

    picture: Annotated[Pixels, BeforeValidator(_picture)]
    strength: Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)] = 0.75
    mask: Annotated[Pixels, BeforeValidator(_mask)] | None = None

    @model_validator(mode="after")
    def _mask_fits(self) -> Self:
        picture, mask = self.picture, self.mask
        if picture.mode != "RGB":
            raise RequestError(f"Start picture: its mode is {picture.mode}, and RGB is what is started from")
        if mask is None:
            return self
        if mask.mode != "L":
            raise RequestError(f"Start mask: its mode is {mask.mode}; a mask has the one channel L")
        if (mask.width, mask.height) != (picture.width, picture.height):
            sizes = f"{mask.width}x{mask.height} and the picture {picture.width}x{picture.height}"
            raise RequestError(f"Start mask: it is {sizes}; both must have one size")
        return self

    def skipped(self, steps: int) -> int:
        """How many of the first steps are left out.

        Raises:
            RequestError: all of them are.
        """
        taken = int(steps * self.strength + _NEARLY)
        if taken == 0:
            raise RequestError(
                f"strength {self.strength:g} of {steps} steps is less than one step; "
                f"{1 / steps:.3g} is the least"
            )
        return steps - taken

    def named(self) -> Self:
        """The same with its pictures by name alone, as a receipt has them."""
        mask = None if self.mask is None else self.mask.named()
        return self.model_copy(update={"picture": self.picture.named(), "mask": mask})
