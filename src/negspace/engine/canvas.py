"""The latents that a lane starts from, and which of them it keeps."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from negspace.models.base import Network
from negspace.request import Start


@dataclass(frozen=True, eq=False)
class Canvas:
    """The picture that lanes start from. The lanes of one request share it.

    Attributes:
        latents: [channels, height, width] float32 of the picture.
        skipped: how many steps of the schedule are skipped.
        free: [1, height, width] bool, the cells that are redrawn; None is all of them.
    """

    latents: Tensor
    skipped: int
    free: Tensor | None = None

    @property
    def has_free_cells(self) -> bool:
        """Whether any cell is redrawn."""
        return self.free is None or bool(self.free.any())

    def keep(self, x: Tensor, known: Tensor) -> Tensor:
        """x where it is redrawn, `known` elsewhere, [channels, height, width] each."""
        return x if self.free is None else torch.where(self.free, x, known)


def canvas_of(start: Start, network: Network, steps: int) -> Canvas:
    """The canvas of the picture that a request starts from.

    Raises:
        RequestError: the request has no pixels, only their hash, or the strength leaves no step.
    """
    latents = network.encode(np.asarray(start.picture.image()))
    mask = None if start.mask is None else np.array(start.mask.image())
    return Canvas(
        latents=latents,
        skipped=start.skipped(steps),
        free=None if mask is None else free_cells(torch.from_numpy(mask), latents),
    )


def free_cells(mask: Tensor, latents: Tensor) -> Tensor:
    """The cells of latents that may change: those with any pixel that the mask lets change.

    The finished picture is composed with the original by the mask, so pixels that must stay do stay.

    Args:
        mask: [height, width] uint8, in pixels.
        latents: [channels, height, width].
    """
    most = adaptive_max_pool2d((mask > 0).float()[None], latents.shape[-2:])
    return (most > 0).to(latents.device)
