"""Shared by wrappers: those that change the output or the input of the inner rule, or add a weaker branch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from negspace.guidance.base import Rule, Step, Wrapper
from negspace.guidance.branch import POSITIVE, Branch, Patch
from negspace.guidance.tensor import Tensor
from negspace.strength import Strength

_State = tuple[None, Any]


class Stateless(Wrapper[None], ABC):
    """A wrapper without a state of its own. What it does not override is left to the inner rule."""

    def begin(self) -> None:
        return None

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: _State) -> tuple[Tensor, _State]:
        guided, inner = self.combine_inner(self.inputs(predictions), step, state[1])
        return self.output(guided, predictions, step), (None, inner)

    def inputs(self, predictions: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The predictions that the inner rule gets."""
        return predictions

    def output(self, guided: Tensor, predictions: Mapping[str, Tensor], step: Step) -> Tensor:
        """The guided prediction, made from that of the inner rule."""
        return guided


class Shaping(Stateless, ABC):
    """A wrapper that changes the output of the inner rule. Where the inner rule is off, this is off, too."""

    @abstractmethod
    def shape(self, guided: Tensor, positive: Tensor) -> Tensor:
        """The changed guided prediction. If it equals the positive prediction, it must stay as it is."""

    def output(self, guided: Tensor, predictions: Mapping[str, Tensor], step: Step) -> Tensor:
        return self.shape(guided, predictions[POSITIVE]) if others(predictions) else guided


class Correcting(Stateless, ABC):
    """A wrapper that changes every prediction but the positive one before the inner rule gets it."""

    @abstractmethod
    def corrected(self, other: Tensor, positive: Tensor) -> Tensor:
        """The changed prediction. If it equals the positive prediction, it must stay as it is."""

    def inputs(self, predictions: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        positive = predictions[POSITIVE]
        corrected = {name: self.corrected(other, positive) for name, other in others(predictions).items()}
        return {**predictions, **corrected}


def others(predictions: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every prediction but the positive one. There are none where the inner rule is off."""
    return {name: prediction for name, prediction in predictions.items() if name != POSITIVE}


class WeakBranch(Stateless, ABC):
    """d = g + k (d_c - d_w), g the output of the inner rule. One evaluation more than the inner rule.

    The weights still sum to 1 where those of the inner rule do, so it is the same in every space. Subclasses
    declare the fields.
    """

    inner: Rule[Any]
    weight: float
    strength: Strength

    def off(self) -> Self:
        return replace(self, inner=self.inner.off(), weight=0.0)  # type: ignore[type-var]

    def patches(self) -> tuple[Patch, ...]:
        return (self.patch(), *self.inner.patches())

    @abstractmethod
    def patch(self) -> Patch:
        """The change that makes the network worse."""

    def branches(self, step: Step, state: _State) -> tuple[Branch, ...]:
        branches = super().branches(step, state)
        if not self.weight * self.strength.at(step):
            return branches
        return (*branches, Branch(self.name, POSITIVE, self.patch()))

    def output(self, guided: Tensor, predictions: Mapping[str, Tensor], step: Step) -> Tensor:
        if self.name not in predictions:
            return guided
        away = predictions[POSITIVE] - predictions[self.name]
        return guided + self.weight * self.strength.at(step) * away
