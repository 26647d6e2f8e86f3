"""Perturbed attention guidance."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.patches import IdentityAttention
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.wrappers import WeakBranch
from negspace.strength import Constant, Strength


@final
@dataclass(frozen=True)
class Pag(WeakBranch):
    """d = g + k (d_c - d_p), d_p with the middle self-attention map at identity; Ahn et al., 2403.17377.

    One evaluation more than the inner rule. A network without self-attention in its middle cannot host it.
    The paper's k is 3 alone and 1.5 with classifier-free guidance inside.

    Attributes:
        inner: the rule that makes g.
        strength: how much of k acts, and when.
    """

    name = "pag"
    formula = "d = g + k (d_c - d_p), d_p with the self-attention map of the middle at identity"
    paper = "Ahn et al., Self-Rectifying Diffusion Sampling with PAG, ECCV 2024, arXiv 2403.17377"
    space = "any"

    inner: Rule[Any] = Cfg()
    weight: float = setting(1.5, "k; 0 is off", low=0)
    strength: Strength = Constant()

    def patch(self) -> IdentityAttention:
        return IdentityAttention()
