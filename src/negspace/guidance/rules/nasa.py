"""Negative-away steer attention."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.patches import MixedAttention
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.attention import InAttention
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Strength


@final
@dataclass(frozen=True)
class NasaPatch(MixedAttention):
    """The patch of `Nasa`."""

    weight: float = 0.0

    def mix(self, positive: Tensor, negative: Tensor) -> Tensor:
        return positive - self.weight * negative


@final
@dataclass(frozen=True)
class Nasa(InAttention):
    """Z = Z+ - k Z-, Nguyen et al., SNOOPI, ICCV 2025, arXiv 2412.02687; in the cross-attention.

    One evaluation with the attention twice. The paper's k is 0.1 for SD 1.5, 0.2 for SD 2.1, 0.5 for PixArt.

    Attributes:
        inner: the rule whose positive branch it changes.
        strength: how much of k acts, and when.
    """

    name = "nasa"
    formula = "Z = Z+ - k Z-"
    paper = "Nguyen et al., SNOOPI: Supercharged One-step Diffusion Distillation, ICCV 2025, arXiv 2412.02687"
    space = "any"

    inner: Rule[Any] = Cfg(scale=1.0)
    weight: float = setting(0.1, "k; 0 is off", low=0)
    strength: Strength = Constant()

    def patch(self, weight: float) -> NasaPatch:
        return NasaPatch(weight=weight)
