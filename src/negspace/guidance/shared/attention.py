"""Shared by rules in attention space: what is avoided is read in the evaluation of the positive."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, Self

from negspace.errors import RequestError
from negspace.guidance.base import Rule, Step, Wrapper
from negspace.guidance.branch import POSITIVE, Branch, Patch
from negspace.guidance.shared.wrappers import Stateless
from negspace.strength import Moment, Strength


class InAttention(Stateless, ABC):
    """A rule whose positive branch reads what is avoided in its attention, around another rule.

    With scale 1 inside, for which it is made, it costs one evaluation. Texts joined by AND are read as one
    text. Where nothing is avoided at a step, or the strength is 0, the network is not changed. Subclasses
    declare the fields.
    """

    delivery = "attention"
    acts_at_scale_1 = True
    made_for_scale = 1.0

    inner: Rule[Any]
    weight: float
    strength: Strength

    def __post_init__(self) -> None:
        super().__post_init__()
        inner: Any = self.inner
        while isinstance(inner, Wrapper):
            if isinstance(inner, InAttention):
                raise RequestError(
                    f"rule {self.name}: {inner.name} inside changes the same attention; use one"
                )
            inner = inner.inner

    def reaches(self, moment: Moment) -> bool:
        return self.weight_at(moment) != 0

    def weight_at(self, moment: Moment) -> float:
        """The weight at a moment; where it is 0, the network is not changed."""
        return self.weight * self.strength.at(moment)

    def off(self) -> Self:
        return replace(self, inner=self.inner.off(), weight=0.0)  # type: ignore[type-var]

    def patches(self) -> tuple[Patch, ...]:
        return (self.patch(self.weight), *self.inner.patches())

    @abstractmethod
    def patch(self, weight: float) -> Patch:
        """The change to the network with this weight."""

    def branches(self, step: Step, state: tuple[None, Any]) -> tuple[Branch, ...]:
        branches = super().branches(step, state)
        weight = self.weight_at(step)
        if not weight or not any(step.negatives.values()):
            return branches
        patch = self.patch(weight)
        return tuple(
            replace(branch, patch=patch) if branch.side == POSITIVE and branch.patch is None else branch
            for branch in branches
        )
