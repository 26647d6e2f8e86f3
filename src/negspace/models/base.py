"""Network: what the engine needs of a model. One final subclass a family."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from negspace.encoding import Conditioning, Encoder
from negspace.facts import ModelFacts
from negspace.guidance import Patch
from negspace.models.samplers import Sampler
from negspace.request import Request


@dataclass(frozen=True, eq=False)
class Row:
    """One evaluation: what the network is shown, and what it is told.

    Attributes:
        x: [channels, height, width] float32.
        t: the network's own clock.
        conditionings: its own, and after it those that the patch reads.
        patch: a change to the network for this row.
        numbers: what is told in numbers beside it, as `Network.numbers` says.
    """

    x: Tensor
    t: float
    conditionings: tuple[Conditioning, ...]
    patch: Patch | None = None
    numbers: tuple[float, ...] = ()

    @property
    def passes(self) -> int:
        """How often the network is passed for it: where attention maps are exchanged, for two texts."""
        return 1 + sum(conditioning.exchange is not None for conditioning in self.conditionings)

    @property
    def kind(self) -> Hashable:
        """Equal for rows that can go through the network together."""
        patch = None if self.patch is None else self.patch.kind
        kinds = tuple(map(_kind_of, self.conditionings))
        return tuple(self.x.shape), kinds, patch, len(self.numbers)


def _kind_of(given: Conditioning) -> Hashable:
    optional = (given.pooled, given.value_scale, given.exchange, given.mask)
    return tuple(given.hidden.shape), *(part is None for part in optional)


class Network(ABC):
    """A model that predicts. It keeps nothing between calls; a row's answer depends on no other row.

    That last promise holds bit for bit among forwards of the same number of rows: kernels choose their way of
    adding by the size of the batch, not by what stands in it.
    """

    @property
    @abstractmethod
    def facts(self) -> ModelFacts:
        """What it is and what it can be told."""

    @abstractmethod
    def fingerprint(self) -> str:
        """sha256 over its weights, in hex. The first call may read them all."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What stands in the place of its own parts or was added to them, with its sha256."""
        return ()

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """Its arithmetic."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where it lives."""

    @property
    @abstractmethod
    def encoder(self) -> Encoder:
        """What reads prompts for it."""

    @property
    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Versions of the libraries its arithmetic comes from."""

    @abstractmethod
    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        """(channels, height, width) of the latents of a picture of width x height pixels.

        Raises:
            RequestError: a side is not a multiple of `facts.multiple`.
        """

    @abstractmethod
    def sampler(self, name: str, steps: int, shape: tuple[int, int, int]) -> Sampler:
        """A sampler for one picture, whose latents are (channels, height, width).

        Raises:
            RequestError: there is no sampler of this name, or it cannot run in this many steps.
        """

    def numbers(
        self, request: Request, width: int, height: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What the network is told in numbers on the positive side, and on every other: sizes, guidance."""
        return (), ()

    @abstractmethod
    def host(self, patch: Patch) -> None:
        """Make ready for rows with a patch, before any is evaluated.

        Raises:
            RequestError: this network cannot host it.
            ModelError: weights that it asks for cannot be read.
        """

    @abstractmethod
    def predict(self, rows: Sequence[Row]) -> Tensor:
        """[rows, channels, height, width] float32, the prediction for rows of one kind. Any thread may ask.

        Raises:
            RequestError: the rows carry a patch that this network cannot host.
        """

    @abstractmethod
    def encode(self, pixels: np.ndarray) -> Tensor:
        """[channels, height, width] float32, the latents of a picture, [height, width, 3] uint8.

        They are the mean of what the picture may be, and no draw from it: the same for every seed.
        """

    @abstractmethod
    def decode(self, latents: Tensor) -> np.ndarray:
        """[height, width, 3] uint8, the picture of [channels, height, width] latents."""
