"""Shared by rules that put the negative in the place of the empty prompt."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from negspace.guidance.base import Rule, Step, setting
from negspace.guidance.branch import NEGATIVE, POSITIVE, Branch
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Moment, Strength


@dataclass(frozen=True)
class Substitution(Rule[None]):
    """d = d_n + f(w) (d_c - d_n). Two evaluations a step, one where w is 1.

    Attributes:
        strength: how much of w - 1 acts, and when; where it is 0 only the positive is evaluated.
    """

    delivery = "text"

    scale: float = setting(7.5, "w; 1 is off", low=0)
    strength: Strength = Constant()

    @abstractmethod
    def factor(self, scale: float, step: Step) -> float:
        """f of the scale that acts at this step."""

    def reaches(self, moment: Moment) -> bool:
        return self.strength.at(moment) != 0

    def off(self) -> Self:
        return replace(self, scale=1.0)

    def init(self) -> None:
        return None

    def branches(self, step: Step, state: None) -> tuple[Branch, ...]:
        positive = Branch(POSITIVE, POSITIVE)
        return (positive,) if self._scale(step) == 1.0 else (positive, Branch(NEGATIVE, NEGATIVE))

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: None) -> tuple[Tensor, None]:
        positive = predictions[POSITIVE]
        if NEGATIVE not in predictions:
            return positive, None
        negative = predictions[NEGATIVE]
        return negative + self.factor(self._scale(step), step) * (positive - negative), None

    def _scale(self, step: Step) -> float:
        return 1.0 + self.strength.at(step) * (self.scale - 1.0)
