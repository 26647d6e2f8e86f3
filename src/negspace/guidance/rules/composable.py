"""Composable diffusion: what is avoided is a negated concept."""

from dataclasses import dataclass
from typing import final

from negspace.guidance.base import Step, setting
from negspace.guidance.shared.terms import Linear, negative_weights
from negspace.strength import Constant, Strength


@final
@dataclass(frozen=True)
class Composable(Linear):
    """d = d_u + w (d_c - d_u - k sum_j w_j (d_nj - d_u)), Liu et al., arXiv 2206.01714; any space.

    One evaluation for the prompt, one for each avoided term, one for the empty prompt. Its base is the empty
    prompt and not the negative, so it acts at scale 1, too.

    Attributes:
        strength: how much of it acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "composable"
    formula = "d = d_u + w (d_c - d_u - k sum_j w_j (d_nj - d_u))"
    paper = "Liu et al., Compositional Visual Generation with Composable Diffusion Models, arXiv 2206.01714"
    space = "any"

    scale: float = setting(7.5, "w", low=0)
    negative: float = setting(1.0, "k, the share of w with which everything avoided acts", low=0)
    strength: Strength = Constant()

    def weights(self, step: Step) -> tuple[float, dict[str, float]]:
        strength = self.strength.at(step)
        push = strength * self.scale * self.negative
        away = {side: push * weight for side, weight in negative_weights(step).items()}
        return self.scale_at(step), away
