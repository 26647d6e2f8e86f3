"""Orthogonal negative guidance."""

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
class OngPatch(MixedAttention):
    """The patch of `Ong`."""

    cancels = True

    weight: float = 0.0

    def mix(self, positive: Tensor, negative: Tensor) -> Tensor:
        shared = (negative * positive).sum(-1, keepdim=True)
        norm = (positive * positive).sum(-1, keepdim=True).clamp_min(1e-12)
        return positive - self.weight * (negative - shared / norm * positive)


@final
@dataclass(frozen=True)
class Ong(InAttention):
    """Z = Z+ - k (Z- - Z+ <Z-, Z+>/|Z+|^2), Orthogonal Negative Guidance, arXiv 2605.29390.

    Token by token and head by head in the cross-attention; the part along the positive is not subtracted.
    One evaluation with the attention twice. The paper's k is 4 for Flux-dev and SD 3.5, 2 for Flux-schnell.

    Attributes:
        inner: the rule whose positive branch it changes.
        strength: how much of k acts, and when.
    """

    name = "ong"
    formula = "Z = Z+ - k (Z- - Z+ <Z-, Z+> / |Z+|^2)"
    paper = "Orthogonal Negative Guidance, arXiv 2605.29390"
    space = "any"

    inner: Rule[Any] = Cfg(scale=1.0)
    weight: float = setting(4.0, "k; 0 is off", low=0)
    strength: Strength = Constant()

    def patch(self, weight: float) -> OngPatch:
        return OngPatch(weight=weight)
