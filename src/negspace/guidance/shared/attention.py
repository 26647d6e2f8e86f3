"""Rules in attention space: what is avoided rides in the evaluation of the positive."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from torch import Tensor

from negspace.errors import RequestError
from negspace.guidance.base import NEGATIVE, POSITIVE, Branch, Patch, Rule, Step, Wrapper
from negspace.strength import Strength

_State = tuple[None, Any]


@dataclass(frozen=True)
class Mixing(Patch, ABC):
    """Cross-attention is computed for the positive and for the negative, and what comes of them is mixed."""

    sides: tuple[str, ...] = (NEGATIVE,)

    @abstractmethod
    def mix(self, positive: Tensor, negative: Tensor) -> Tensor:
        """What goes on in the positive's place, before the output projection; each row by itself.

        Args:
            positive, negative: [rows, tokens, heads, dim] float32.
        """


@dataclass(frozen=True)
class Flipping(Patch):
    """Z = softmax([Q K+ ; Q K- - bias]) [V+ ; -weight V-]: one attention over the words of both.

    Of the negative only the tokens of its words take part: its begin mark and padding say what those of the
    positive say, and pushing away from them would push away from everything.

    Attributes:
        weight: factor on the negative's values, whose sign is turned.
        bias: taken off the negative's scores.
    """

    sides: tuple[str, ...] = (NEGATIVE,)
    weight: float = 1.0
    bias: float = 0.0


class Attending(Wrapper[None], ABC):
    """A rule whose positive branch reads what is avoided in its attention, around another rule.

    With the scale inside at 1, as it is made for, it costs one evaluation. Texts joined by AND are read as
    one. Where nothing is avoided at a step, and where its strength is 0, the network is left as it is.
    Subclasses declare the fields.
    """

    inner: Rule[Any]
    weight: float
    strength: Strength

    def __post_init__(self) -> None:
        super().__post_init__()
        inside: Any = self.inner
        while isinstance(inside, Wrapper):
            if isinstance(inside, Attending):
                raise RequestError(
                    f"rule {self.name}: {inside.name} inside changes the same attention; use one"
                )
            inside = inside.inner

    def off(self) -> Self:
        return replace(self, inner=self.inner.off(), weight=0.0)  # type: ignore[type-var]

    def patches(self) -> tuple[Patch, ...]:
        return (self.patch(self.weight), *self.inner.patches())

    def begin(self) -> None:
        return None

    @abstractmethod
    def patch(self, weight: float) -> Patch:
        """The change to the network, at this strength."""

    def branches(self, step: Step, state: _State) -> tuple[Branch, ...]:
        asked = super().branches(step, state)
        weight = self.weight * self.strength.at(step)
        if not weight or not any(step.negatives.values()):
            return asked
        patch = self.patch(weight)
        return tuple(
            replace(one, patch=patch) if one.side == POSITIVE and one.patch is None else one for one in asked
        )

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: _State) -> tuple[Tensor, _State]:
        guided, inner = self.inside(predictions, step, state[1])
        return guided, (None, inner)
