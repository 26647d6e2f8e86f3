"""Weak-branch rules: what the prediction is pushed away from is one of the same prompt by a worse network."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from torch import Tensor

from negspace.guidance.base import POSITIVE, Branch, Patch, Rule, Step, Wrapper
from negspace.strength import Strength

_State = tuple[None, Any]


class Weakened(Wrapper[None], ABC):
    """d = g + k (d_c - d_w), g what the inner rule makes of the step. One evaluation more than inside.

    Weights that sum to 1 inside still do, so it is the same in every space. Subclasses declare the fields.
    """

    inner: Rule[Any]
    weight: float
    strength: Strength

    def off(self) -> Self:
        return replace(self, inner=self.inner.off(), weight=0.0)  # type: ignore[type-var]

    def patches(self) -> tuple[Patch, ...]:
        return (self.patch(), *self.inner.patches())

    def begin(self) -> None:
        return None

    @abstractmethod
    def patch(self) -> Patch:
        """What makes the network worse."""

    def branches(self, step: Step, state: _State) -> tuple[Branch, ...]:
        asked = super().branches(step, state)
        if not self.weight * self.strength.at(step):
            return asked
        return (*asked, Branch(self.name, POSITIVE, self.patch()))

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: _State) -> tuple[Tensor, _State]:
        guided, inner = self.inside(predictions, step, state[1])
        if self.name in predictions:
            away = predictions[POSITIVE] - predictions[self.name]
            guided = guided + self.weight * self.strength.at(step) * away
        return guided, (None, inner)
