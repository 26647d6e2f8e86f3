"""What of the negative made a difference to a picture: observed at its steps, without further evaluations.

A rule is asked what it would make of a step without a side that is avoided, from the same predictions. Up to
the first difference the picture without that side is the same one, so its course is followed exactly, the
state of the rule included. Where the rule would then need a prediction that was not evaluated (cfg puts the
negative in the place of the empty prompt), the side made a difference if the result depends on its prediction
at all: a side that reads like the empty prompt does not count as avoided in the first place.

Once a side and the terms in it have made a difference, nothing is compared for them any more. So this takes
the rule's own time once more in the first steps, and next to nothing afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import torch
from torch import Tensor

from negspace.engine.sides import sides_of, terms_in
from negspace.guidance import Branch, Rule, Step
from negspace.guidance.branch import POSITIVE


@dataclass(frozen=True, eq=False)
class RuleStep:
    """A step as a rule took it.

    Attributes:
        step: where the picture stood.
        state: of the rule before.
        branches: what the rule asked for.
        predictions: of every branch, by name, in the space of the rule.
        guided: what the rule made of them, in that space.
    """

    step: Step
    state: Any
    branches: Sequence[Branch]
    predictions: Mapping[str, Tensor]
    guided: Tensor


@final
class Influence:
    """Collects what made a difference to one picture.

    Args:
        rule: of the picture.

    Attributes:
        sides: the avoided sides that made a difference.
        terms: the separate terms that were in such a side before or when it made one, by their own sides.
    """

    def __init__(self, rule: Rule[Any]) -> None:
        self.sides: set[str] = set()
        self.terms: set[str] = set()
        self._rule = rule
        self._terms: dict[str, set[str]] = {}
        self._without: dict[str, Any] = {}

    def observe(self, taken: RuleStep, read: Sequence[str]) -> None:
        """Compare a step with what it would have been.

        Args:
            taken: the step.
            read: the sides with something avoided that the network read at it.
        """
        for side in read:
            if side not in self._terms:
                self._terms[side], self._without[side] = set(), taken.state
            here = terms_in(side, taken.step)
            self._terms[side] |= here
            if side in self.sides and not here <= self.terms and self._depends(side, taken):
                self.terms |= here
        for side in self._terms.keys() - self.sides:
            if self._differs(side, taken):
                self.sides.add(side)
                self.terms |= self._terms[side]

    def _differs(self, side: str, taken: RuleStep) -> bool:
        """Whether the step would have been another without a side that made no difference so far."""
        if side not in self._without:
            return self._depends(side, taken)
        followed = self._followed(side, taken)
        if followed is None:
            del self._without[side]
            return self._depends(side, taken)
        guided, self._without[side] = followed
        return not torch.equal(guided, taken.guided)

    def _followed(self, side: str, taken: RuleStep) -> tuple[Tensor, Any] | None:
        """The step without a side, and the rule's next state; None where a prediction for it is missing."""
        out = {side: 0.0, **dict.fromkeys(terms_in(side, taken.step), 0.0)}
        step = replace(taken.step, negatives={**taken.step.negatives, **out})
        evaluated = {_content(branch): branch.name for branch in taken.branches}
        needed = self._rule.branches(step, self._without[side])
        if any(side in sides_of(branch) or _content(branch) not in evaluated for branch in needed):
            return None
        predictions = {branch.name: taken.predictions[evaluated[_content(branch)]] for branch in needed}
        return self._rule.combine(predictions, step, self._without[side])

    def _depends(self, side: str, taken: RuleStep) -> bool:
        """Whether the step would have been another with other predictions for a side."""
        reading = [branch.name for branch in taken.branches if side in sides_of(branch)]
        other = dict.fromkeys(reading, taken.predictions[POSITIVE] + 1.0)
        guided, _ = self._rule.combine({**taken.predictions, **other}, taken.step, taken.state)
        return not torch.equal(guided, taken.guided)


def _content(branch: Branch) -> tuple[object, ...]:
    """Equal for branches with the same prediction."""
    return branch.side, branch.patch, branch.noise
