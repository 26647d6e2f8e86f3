"""Rules in attention space: what is avoided rides in the evaluation of the positive."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from negspace.errors import RequestError
from negspace.guidance.base import Rule, Step, Wrapper
from negspace.guidance.branch import POSITIVE, Branch, Patch
from negspace.strength import Strength

if TYPE_CHECKING:
    from torch import Tensor


_State = tuple[None, Any]


class InAttention(Wrapper[None], ABC):
    """A rule whose positive branch reads what is avoided in its attention, around another rule.

    With the scale inside at 1, as it is made for, it costs one evaluation. Texts joined by AND are read as
    one. Where nothing is avoided at a step, and where its strength is 0, the network is left as it is.
    Subclasses declare the fields.
    """

    delivery = "attention"
    acts_at_scale_1 = True
    made_for_scale = 1.0

    inner: Rule[Any]
    weight: float
    strength: Strength

    def __post_init__(self) -> None:
        super().__post_init__()
        inside: Any = self.inner
        while isinstance(inside, Wrapper):
            if isinstance(inside, InAttention):
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
        guided, inner = self.combine_inner(predictions, step, state[1])
        return guided, (None, inner)
