"""What the families with a transformer and flow matching share."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from negspace.models.samplers import Spacing

if TYPE_CHECKING:
    from torch import Tensor


def dynamic_shift(settings: dict[str, Any], tokens: int, highest: float = 1.15) -> float | None:
    """mu, by which a schedule is shifted towards noise for large pictures; None where it is not.

    Linear in the picture's tokens between the scheduler's two ends.
    """
    if not settings.get("use_dynamic_shifting"):
        return None
    few, many = settings.get("base_image_seq_len", 256), settings.get("max_image_seq_len", 4096)
    low, high = settings.get("base_shift", 0.5), settings.get("max_shift", highest)
    return low + (tokens - few) * (high - low) / (many - few)


def even_spacing(settings: dict[str, Any], steps: int, tokens: int) -> Spacing:
    """Noise levels 1, 1 - 1/steps, .. 1/steps before they are shifted."""
    levels = tuple(1.0 + (1 / steps - 1.0) * i / max(steps - 1, 1) for i in range(steps))
    return Spacing(dynamic_shift(settings, tokens), levels)


def pack(x: "Tensor") -> "Tensor":
    """[rows, tokens, 4 channels] of [rows, channels, height, width]: squares of 2x2 latents are tokens."""
    rows, channels, height, width = x.shape
    squares = x.reshape(rows, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return squares.reshape(rows, (height // 2) * (width // 2), channels * 4)


def unpack(tokens: "Tensor", shape: Sequence[int]) -> "Tensor":
    """What `pack` packed, where `shape` is (rows, channels, height, width)."""
    rows, channels, height, width = shape
    squares = tokens.reshape(rows, height // 2, width // 2, channels, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return squares.reshape(rows, channels, height, width)


def token_positions(x: "Tensor") -> "Tensor":
    """[tokens, 3]: (0, row, column) of every token that `pack` makes."""
    height, width = x.shape[-2] // 2, x.shape[-1] // 2
    ids = x.new_zeros(height, width, 3)
    ids[..., 1] = ids.new_tensor(range(height))[:, None]
    ids[..., 2] = ids.new_tensor(range(width))[None, :]
    return ids.reshape(height * width, 3)


def token_count(shape: tuple[int, int, int], patch: int = 2) -> int:
    """How many tokens a picture of latents (channels, height, width) becomes."""
    return math.prod(side // patch for side in shape[1:])
