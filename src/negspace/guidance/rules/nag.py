"""Normalized attention guidance."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.patches import MixedAttention
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.attention import InAttention
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Moment, Strength


@final
@dataclass(frozen=True)
class NagPatch(MixedAttention):
    """The patch of `Nag`."""

    cancels = True

    weight: float = 0.0
    tau: float = 2.5
    alpha: float = 0.25

    def mix(self, positive: Tensor, negative: Tensor) -> Tensor:
        pushed = positive + self.weight * (positive - negative)
        length, reach = (z.abs().sum((-2, -1), keepdim=True) for z in (positive, pushed))
        capped = pushed * (self.tau * length / reach.clamp_min(1e-12)).clamp(max=1.0)
        return self.alpha * capped + (1.0 - self.alpha) * positive


@final
@dataclass(frozen=True)
class Nag(InAttention):
    """Z = a Y min(R, tau)/R + (1 - a) Z+, Y = Z+ + k (Z+ - Z-), Chen et al., arXiv 2505.21179.

    R = |Y|_1 / |Z+|_1, token by token, over all heads; in the cross-attention, before its output projection.
    One evaluation with the attention twice; k is the paper's phi, its code's scale less 1.

    Attributes:
        inner: the rule whose positive branch it changes.
        strength: how much of k acts, and when.
    """

    name = "nag"
    formula = "Z = a Y min(R, tau)/R + (1 - a) Z+, Y = Z+ + k (Z+ - Z-), R = |Y|_1 / |Z+|_1"
    paper = "Chen et al., Normalized Attention Guidance, NeurIPS 2025, arXiv 2505.21179"
    space = "any"

    inner: Rule[Any] = Cfg(scale=1.0)
    weight: float = setting(4.0, "k; 0 is off", low=0)
    tau: float = setting(2.5, "how many times longer a token may become", low=1e-3)
    alpha: float = setting(0.25, "a, share of the pushed attention in the output", low=0, high=1)
    strength: Strength = Constant()

    def weight_at(self, moment: Moment) -> float:
        return super().weight_at(moment) if self.alpha else 0.0

    def patch(self, weight: float) -> NagPatch:
        return NagPatch(weight=weight, tau=self.tau, alpha=self.alpha)
