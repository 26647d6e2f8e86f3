"""The bases of the families with a transformer."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from negspace.facts import ModelFacts
from negspace.guidance.branch import Need
from negspace.models.architecture.family import Family, NetworkInput, rules_for
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import FLOW_SAMPLERS, Spacing

if TYPE_CHECKING:
    from torch import Tensor


class TransformerFamily(Family, ABC):
    """A transformer, made for square pictures.

    Class attributes:
        sample_size: latents along a side of those pictures, where its settings do not say.
        patch_size: latents along a side of a token, where its settings do not say.
        attentions: those that rules can change.
    """

    sample_size: ClassVar[int] = 128
    patch_size: ClassVar[int] = 2
    attentions: ClassVar[tuple[Need, ...]] = ()

    def describe(self, folder: ModelFolder) -> ModelFacts:
        pixels = self.vae.pixels_per_latent(folder.settings("vae"))
        sample_size, patch_size = self.grid(folder.settings(self.denoiser.folder))
        side = sample_size * pixels
        multiple, rules = patch_size * pixels, rules_for(*self.attentions)
        return ModelFacts(folder.name, rules=rules, multiple=multiple, width=side, height=side)

    def grid(self, settings: dict[str, Any]) -> tuple[int, int]:
        """(sample size, patch size) of a transformer with these settings."""
        sample_size = settings.get("sample_size", self.sample_size)
        return int(sample_size), int(settings.get("patch_size", self.patch_size))


class FlowTransformer(TransformerFamily, ABC):
    """A transformer that predicts the flow from picture to noise."""

    def describe(self, folder: ModelFolder) -> ModelFacts:
        facts = super().describe(folder)
        return replace(facts, prediction="flow", samplers=tuple(FLOW_SAMPLERS), sampler="Euler")


class PackedFlowTransformer(FlowTransformer, ABC):
    """Squares of 2x2 latents are tokens, 64x64 of them in the usual picture.

    The noise levels are 1, 1 - 1/steps, .. 1/steps before they are shifted.
    """

    def grid(self, settings: dict[str, Any]) -> tuple[int, int]:
        return self.sample_size, self.patch_size  # its settings count in tokens

    def spacing(self, settings: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> Spacing:
        levels = tuple(1.0 + (1 / steps - 1.0) * i / max(steps - 1, 1) for i in range(steps))
        return Spacing(dynamic_shift(settings, token_count(shape)), levels)


class RowByRowTransformer(PackedFlowTransformer, ABC):
    """Texts are of their own length, so rows go through the network one at a time.

    None depends on the length of another.
    """

    @abstractmethod
    def predict_row(self, denoiser: Any, x: "Tensor", time: "Tensor", hidden: "Tensor") -> "Tensor":
        """[1, channels, height, width], the prediction for one row.

        Args:
            x: [1, channels, height, width].
            time: [1] float32, the clock of the sampler.
            hidden: [tokens, dim], the conditioning without its padding.
        """

    def predict(self, denoiser: Any, given: NetworkInput) -> "Tensor":
        assert given.mask is not None
        prediction = given.x.new_empty(given.x.shape)
        for i, (hidden, mask) in enumerate(zip(given.hidden, given.mask, strict=True)):
            row = slice(i, i + 1)
            prediction[row] = self.predict_row(denoiser, given.x[row], given.times[row], hidden[mask])
        return prediction


def dynamic_shift(settings: dict[str, Any], tokens: int, highest: float = 1.15) -> float | None:
    """mu, by which a schedule is shifted towards noise for large pictures; None where it is not.

    Linear in the number of tokens of the picture, between the two ends in the scheduler's settings; `highest`
    is mu at the upper end, where they do not say.
    """
    if not settings.get("use_dynamic_shifting"):
        return None
    few, many = settings.get("base_image_seq_len", 256), settings.get("max_image_seq_len", 4096)
    low, high = settings.get("base_shift", 0.5), settings.get("max_shift", highest)
    return low + (tokens - few) * (high - low) / (many - few)


def pack(x: "Tensor") -> "Tensor":
    """[rows, tokens, 4 channels] of [rows, channels, height, width]: squares of 2x2 latents are tokens."""
    rows, channels, height, width = x.shape
    squares = x.reshape(rows, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return squares.reshape(rows, (height // 2) * (width // 2), channels * 4)


def unpack(tokens: "Tensor", shape: Sequence[int]) -> "Tensor":
    """The inverse of `pack`, for the shape (rows, channels, height, width)."""
    rows, channels, height, width = shape
    squares = tokens.reshape(rows, height // 2, width // 2, channels, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return squares.reshape(rows, channels, height, width)


def token_positions(x: "Tensor") -> "Tensor":
    """[tokens, 3]: (0, row, column) of every token that `pack` makes."""
    height, width = x.shape[-2] // 2, x.shape[-1] // 2
    positions = x.new_zeros(height, width, 3)
    positions[..., 1] = positions.new_tensor(range(height))[:, None]
    positions[..., 2] = positions.new_tensor(range(width))[None, :]
    return positions.reshape(height * width, 3)


def token_count(shape: tuple[int, int, int], patch: int = 2) -> int:
    """How many tokens a picture with latents of (channels, height, width) becomes."""
    return math.prod(side // patch for side in shape[1:])
