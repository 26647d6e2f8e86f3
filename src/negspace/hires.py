"""A second pass over a picture: it is enlarged, and drawn on from there with the same plan."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from negspace.errors import RequestError
from negspace.frozen import Frozen

Upscaler = Literal[
    "Lanczos",
    "Nearest",
    "Latent",
    "Latent (antialiased)",
    "Latent (bicubic)",
    "Latent (bicubic antialiased)",
    "Latent (nearest)",
    "Latent (nearest-exact)",
]
UPSCALERS: tuple[Upscaler, ...] = get_args(Upscaler)
"""How a picture is enlarged, under AUTOMATIC1111's names: its pixels, or its latents."""

_NEARLY = 1e-9  # 0.29 * 100 is 29 steps, in spite of binary rounding

_Side = Annotated[int, Field(ge=1, le=16384)]


def skipped_steps(strength: float, steps: int) -> int:
    """How many of the first steps are skipped where a picture is drawn on with a strength.

    Args:
        strength: the share of the steps that is run.
        steps: of the sampler.

    Raises:
        RequestError: all of them are.
    """
    run = int(steps * strength + _NEARLY)
    if run == 0:
        raise RequestError(
            f"strength {strength:g} of {steps} steps is less than one step; {1 / steps:.3g} is the least"
        )
    return steps - run


class Hires(Frozen):
    """A second pass at a larger size.

    Attributes:
        scale: how many times as large each side is; not read where `width` and `height` are given.
        width, height: in pixels; both or none.
        strength: the share of the steps that is run; 1 keeps nothing of the first pass.
        steps: of the schedule, of which `strength` is run; None is that of the first pass.
        upscaler: how the picture of the first pass is enlarged. Those of latents blur, and want a strength
            above 0.5.
    """

    scale: Annotated[float, Field(ge=1.0, le=16.0, allow_inf_nan=False)] = 2.0
    width: _Side | None = None
    height: _Side | None = None
    strength: Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)] = 0.7
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    upscaler: Upscaler = "Lanczos"

    @model_validator(mode="after")
    def _has_both_sides(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise RequestError("Hires: width and height are given together, or neither; scale does both")
        return self

    def resolved(self, width: int, height: int, steps: int, multiple: int) -> Self:
        """The same with its size and steps.

        Args:
            width, height: of the first pass, in pixels.
            steps: of the first pass.
            multiple: of which a model needs the sides to be.

        Raises:
            RequestError: the size is smaller, of another shape, or not possible, or the strength leaves no
                step.
        """
        if self.width is None or self.height is None:
            sides = tuple(max(round(side * self.scale / multiple), 1) * multiple for side in (width, height))
        else:
            sides = self.width, self.height
        large = f"hires size {sides[0]}x{sides[1]}"
        if sides[0] < width or sides[1] < height:
            raise RequestError(f"{large}: it must not be smaller than the first pass, {width}x{height}")
        if max(sides) > 16384:
            raise RequestError(f"{large}: a side has at most 16384 pixels")
        if any(side % multiple for side in sides):
            raise RequestError(f"{large}: both sides must be multiples of {multiple}")
        if abs(sides[0] * height - sides[1] * width) > multiple * max(width, height):
            raise RequestError(f"{large}: it must have the shape of the first pass, {width}x{height}")
        steps = self.steps or steps
        skipped_steps(self.strength, steps)
        return self.model_copy(update={"width": sides[0], "height": sides[1], "steps": steps})

    @property
    def steps_taken(self) -> int:
        """Steps that are run, of a pass whose steps are known."""
        return 0 if self.steps is None else self.steps - skipped_steps(self.strength, self.steps)

    def __str__(self) -> str:
        size = f"x{self.scale:g}" if self.width is None else f"{self.width}x{self.height}"
        steps = "" if self.steps is None else f" of {self.steps} steps"
        return f"{size}, {self.upscaler}, strength {self.strength:g}{steps}"
