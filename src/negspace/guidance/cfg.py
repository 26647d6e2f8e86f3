"""Classifier-free guidance with the negative in the empty prompt's place."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self, final

from torch import Tensor

from negspace.guidance.base import NEGATIVE, POSITIVE, Branch, Rule, Step, setting
from negspace.strength import Constant, Moment, Strength


@final
@dataclass(frozen=True)
class Cfg(Rule[None]):
    """d = d_n + w (d_c - d_n), Ho & Salimans, arXiv 2207.12598, eq. 6; the negative is the null condition.

    Two evaluations a step, one where w is 1. The weights 1 - w and w sum to 1: the same in every space.

    Attributes:
        strength: how much of w - 1 acts, and when; where it is 0 only the positive is evaluated.
    """

    name = "cfg"
    formula = "d = d_n + w (d_c - d_n)"
    paper = "Ho & Salimans, Classifier-Free Diffusion Guidance, arXiv 2207.12598"
    space = "any"

    scale: float = setting(7.5, "w; 1 is off", low=0)
    strength: Strength = Constant()

    def off(self) -> Self:
        return replace(self, scale=1.0)

    def init(self) -> None:
        return None

    def branches(self, step: Step, state: None) -> tuple[Branch, ...]:
        positive = Branch(POSITIVE, POSITIVE)
        if self._scale(step) == 1.0:
            return (positive,)
        return (positive, Branch(NEGATIVE, NEGATIVE))

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: None) -> tuple[Tensor, None]:
        positive = predictions[POSITIVE]
        if NEGATIVE not in predictions:
            return positive, None
        negative = predictions[NEGATIVE]
        return negative + self._scale(step) * (positive - negative), None

    def _scale(self, moment: Moment) -> float:
        return 1.0 + self.strength.at(moment) * (self.scale - 1.0)
