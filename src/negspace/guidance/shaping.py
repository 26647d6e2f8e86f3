"""What wrappers that shape one step share: those that change its outcome, and those that change its input."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from negspace.guidance.base import POSITIVE, Step, Wrapper

_State = tuple[None, Any]


class Shaping(Wrapper[None], ABC):
    """A wrapper that changes what the inner rule makes of a step. Where that is off, it is, too."""

    @abstractmethod
    def shape(self, guided: Tensor, positive: Tensor) -> Tensor:
        """The guided prediction in its new shape; equal to the positive one, it must stay what it is."""

    def begin(self) -> None:
        return None

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: _State) -> tuple[Tensor, _State]:
        guided, inner = self.inside(predictions, step, state[1])
        if others(predictions):
            guided = self.shape(guided, predictions[POSITIVE])
        return guided, (None, inner)


class Retelling(Wrapper[None], ABC):
    """A wrapper that changes what the inner rule is told of every prediction but the positive one."""

    @abstractmethod
    def retold(self, other: Tensor, positive: Tensor) -> Tensor:
        """What is said in a prediction's place; one equal to the positive must stay what it is."""

    def begin(self) -> None:
        return None

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: _State) -> tuple[Tensor, _State]:
        positive = predictions[POSITIVE]
        told = {name: self.retold(other, positive) for name, other in others(predictions).items()}
        guided, inner = self.inside({**predictions, **told}, step, state[1])
        return guided, (None, inner)


def others(predictions: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every prediction but the positive one. There are none where the inner rule is off."""
    return {name: told for name, told in predictions.items() if name != POSITIVE}
