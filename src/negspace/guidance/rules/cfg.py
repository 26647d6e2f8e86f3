"""Classifier-free guidance with the negative in the place of the empty prompt."""

from dataclasses import dataclass
from typing import final

from negspace.guidance.base import Step
from negspace.guidance.shared.substitution import Substitution


@final
@dataclass(frozen=True)
class Cfg(Substitution):
    """d = d_n + w (d_c - d_n), Ho & Salimans, arXiv 2207.12598, eq. 6; the negative is the null condition.

    Two evaluations a step, one where w is 1. The weights 1 - w and w sum to 1: the same in every space.

    Attributes:
        strength: how much of w - 1 acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "cfg"
    formula = "d = d_n + w (d_c - d_n)"
    paper = "Ho & Salimans, Classifier-Free Diffusion Guidance, arXiv 2207.12598"
    space = "any"

    def factor(self, scale: float, step: Step) -> float:
        return scale
