"""What wrappers share: those that change a step's outcome, its input, or add a weaker branch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from negspace.guidance.base import Rule, Step, Wrapper
from negspace.guidance.branch import POSITIVE, Branch, Patch
from negspace.strength import Strength

if TYPE_CHECKING:
    from torch import Tensor


_State = tuple[None, Any]


class Shaping(Wrapper[None], ABC):
    """A wrapper that changes what the inner rule makes of a step. Where that is off, it is, too."""

    @abstractmethod
    def shape(self, guided: Tensor, positive: Tensor) -> Tensor:
        """The guided prediction in its new shape; equal to the positive one, it must stay what it is."""

    def begin(self) -> None:
        return None

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: _State) -> tuple[Tensor, _State]:
        guided, inner = self.combine_inner(predictions, step, state[1])
        if others(predictions):
            guided = self.shape(guided, predictions[POSITIVE])
        return guided, (None, inner)


class PredictionChanging(Wrapper[None], ABC):
    """A wrapper that changes what the inner rule is told of every prediction but the positive one."""

    @abstractmethod
    def changed(self, other: Tensor, positive: Tensor) -> Tensor:
        """What is said in a prediction's place; one equal to the positive must stay what it is."""

    def begin(self) -> None:
        return None

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: _State) -> tuple[Tensor, _State]:
        positive = predictions[POSITIVE]
        told = {name: self.changed(other, positive) for name, other in others(predictions).items()}
        guided, inner = self.combine_inner({**predictions, **told}, step, state[1])
        return guided, (None, inner)


def others(predictions: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every prediction but the positive one. There are none where the inner rule is off."""
    return {name: told for name, told in predictions.items() if name != POSITIVE}


class WeakBranch(Wrapper[None], ABC):
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
        guided, inner = self.combine_inner(predictions, step, state[1])
        if self.name in predictions:
            away = predictions[POSITIVE] - predictions[self.name]
            guided = guided + self.weight * self.strength.at(step) * away
        return guided, (None, inner)
