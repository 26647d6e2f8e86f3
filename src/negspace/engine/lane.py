"""One picture under way, with its noise, its schedule, its rule and the state of the rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from negspace.encoding import Conditioning
from negspace.engine.canvas import Canvas
from negspace.engine.influence import RuleStep
from negspace.engine.ledger import LaneStats, Ledger
from negspace.engine.noise import keyed, with_noise
from negspace.engine.sides import SidesAtStep, contents, empty_ids, is_empty, sides_of, step_at
from negspace.errors import RequestError
from negspace.guidance import Branch, ConditioningNoise, Patch, Rule, Space, Step, convert
from negspace.guidance.branch import EMPTY, POSITIVE
from negspace.models.base import Row
from negspace.models.samplers import Sampler

Conditions = tuple[float, ...]
"""What the network gets in numbers beside a text."""

_Key = tuple[tuple[int, ...], Conditions, Patch | None, ConditioningNoise | None]


@dataclass(frozen=True, eq=False)
class StepResult:
    """The predictions of a step, [1, channels, height, width] float32 each.

    Attributes:
        step: where the picture stood.
        space: what the network predicts.
        predictions: of every branch, by name, in that space.
        guided: what the rule made of them, in that space.
    """

    step: Step
    space: Space
    predictions: Mapping[str, Tensor]
    guided: Tensor


@dataclass(frozen=True, eq=False)
class _StepRows:
    """The rows that a step needs, each once however many branches read it.

    Attributes:
        step: where the picture stands.
        branches: what the rule asks for.
        rows: in the order of the network's answers.
        sums: the rows of every branch with their weights, by the branch's name.
        counted: for each pass of the network the branch it is counted under.
    """

    step: Step
    branches: tuple[Branch, ...]
    rows: list[Row] = field(default_factory=list)
    sums: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    counted: list[str] = field(default_factory=list)


class Lane:
    """One picture under way. The result depends on nothing but what is given here.

    Args:
        seed: of the picture; keys the noise that the sampler draws.
        noise: [channels, height, width] float32 unit noise to start from.
        sampler: fresh, for this lane alone.
        rule: how predictions are combined.
        space: what the network predicts.
        sides: of the lane, one entry per evaluation step of the sampler.
        negatives: weights of the sides of separate terms, one entry per evaluation step; None is none.
        locked: the sides of those terms that a policy locks.
        canvas: the picture to start from, and what is kept of it; None starts from the noise.
        numbers: what the network gets in numbers on the positive side, and on every other.

    Attributes:
        seed: as given.
        x: [channels, height, width] float32, the noisy picture; once `done`, the latents of the picture.
        last_step: the predictions of the last step; None before the first.
        broken: why the picture ended before its last step; None where it did not.
    """

    def __init__(
        self,
        *,
        seed: int,
        noise: Tensor,
        sampler: Sampler,
        rule: Rule[Any],
        space: Space,
        sides: Sequence[SidesAtStep],
        negatives: Sequence[Mapping[str, float]] | None = None,
        locked: frozenset[str] = frozenset(),
        canvas: Canvas | None = None,
        numbers: tuple[Conditions, Conditions] = ((), ()),
    ) -> None:
        negatives = [{}] * sampler.evaluations if negatives is None else negatives
        if not len(sides) == len(negatives) == sampler.evaluations:
            counts = f"{len(sides)} steps of sides and {len(negatives)} of negatives"
            raise ValueError(f"{counts} for {sampler.evaluations} evaluations")
        if canvas is not None:
            sampler.skip(canvas.skipped)
        self.seed = seed
        self._noise = noise
        self._canvas = canvas
        self._sampler = sampler
        self._rule = rule
        self._space: Space = space
        self._sides = sides
        self._negatives = negatives
        self._locked = locked
        self._numbers = numbers
        self._state: Any = rule.init()
        self._index = sampler.first
        self._ledger = Ledger(rule)
        self._pending: _StepRows | None = None
        self.last_step: StepResult | None = None
        self.broken: str | None = None
        self.x = self._first_x()

    def _first_x(self) -> Tensor:
        """x of the first evaluation."""
        canvas = self._canvas
        if canvas is None or canvas.skipped == 0:
            return self._with_kept(self._sampler.start(self._noise), self._index)
        return self._sampler.noised(canvas.latents, self._noise, self._index)

    def _with_kept(self, x: Tensor, index: int) -> Tensor:
        """x with what the canvas keeps, under as much noise as x has at an evaluation."""
        if self._canvas is None or self._canvas.free is None:
            return x
        known = self._sampler.noised(self._canvas.latents, self._noise, index)
        return self._canvas.keep(x, known)

    @property
    def clean(self) -> Tensor | None:
        """[channels, height, width] float32, the clean latents that the last step predicts; None before."""
        if self.last_step is None:
            return None
        return convert(self.last_step.guided, self.last_step.space, "x0", self.last_step.step)[0]

    @property
    def done(self) -> bool:
        """Whether the picture is finished, or broken."""
        return self._index == len(self._sides) or self.broken is not None

    @property
    def progress(self) -> tuple[int, int]:
        """(evaluation steps done, evaluation steps in all), without those that are skipped."""
        return self._index - self._sampler.first, len(self._sides) - self._sampler.first

    @property
    def stats(self) -> LaneStats:
        """What was counted and measured so far."""
        return self._ledger.stats()

    def rows(self) -> list[Row]:
        """The evaluations of the current step, each conditioning once however many branches read it."""
        step = self._step()
        needed = _StepRows(step, tuple(map(self._reduced, self._rule.branches(step, self._state))))
        time = self._sampler.time(self._index)
        known: dict[_Key, int] = {}
        for branch in needed.branches:
            terms = needed.sums.setdefault(branch.name, [])
            for name, conditionings, weight in self._terms(branch):
                key = self._key(conditionings, branch)
                if key not in known:
                    known[key] = len(needed.rows)
                    noisy = self._noisy(conditionings, key[-1])
                    row = Row(step.x[0], time, noisy, branch.patch, key[1])
                    needed.rows.append(row)
                    needed.counted.extend([name] * row.passes)
                terms.append((known[key], weight))
        self._pending = needed
        return needed.rows

    def advance(self, predictions: Sequence[Tensor]) -> None:
        """Take one step with the predictions for `rows`, in their order, [channels, height, width] each."""
        if self._pending is None:
            raise ValueError("rows() comes before advance()")
        needed, step, self._pending = self._pending, self._pending.step, None
        for name in needed.counted:
            self._ledger.count(name)
        by_branch = {name: _weighted_sum(terms, predictions) for name, terms in needed.sums.items()}
        taken = self._take(needed, by_branch)
        guided = convert(taken.guided, self._rule_space, self._space, step)
        self._ledger.step(taken, self._sides[self._index], by_branch, guided)
        self.last_step = StepResult(step, self._space, by_branch, guided)
        noise = keyed(self.seed, self._index + 1) if self._sampler.draws else None
        x = self._sampler.step(guided, self.x[None], self._index, noise)[0]
        self.x = self._with_kept(x, self._index + 1)
        self._index += 1  # last: another thread that sees the picture done finds it complete

    def end_broken(self) -> None:
        """End the picture at the step that made it infinite or no number, and say so."""
        last = self.last_step
        assert last is not None  # the first x is finite
        wrong = [name for name, each in last.predictions.items() if not each.isfinite().all()]
        if wrong:
            culprit = f"the network's prediction ({', '.join(wrong)})"
        elif not last.guided.isfinite().all():
            culprit = f"what rule {self._rule.name} made of the predictions"
        else:
            culprit = "the sampler's picture"
        self.broken = (
            f"{culprit} at step {last.step.index + 1} of {last.step.count} is infinite or no number; "
            "load the model with dtype float32 (float16 overflows) or lower the scale"
        )

    def _step(self) -> Step:
        sampler, index = self._sampler, self._index
        step = step_at(index, sampler.steps, sampler.evaluations)  # of all, skipped steps included
        a, s = sampler.level(index)
        x = sampler.scaled_input(self.x[None], index)
        following = sampler.level(index + 1)
        sigma = s / a if a else float("inf")
        negatives = self._negatives[index]
        return Step(step, sampler.steps, sigma, x, a, s, negatives, following, self._locked)

    @property
    def _rule_space(self) -> Space:
        space = self._rule.effective_space
        return self._space if space == "any" else space

    def _take(self, needed: _StepRows, predictions: Mapping[str, Tensor]) -> RuleStep:
        """What the rule makes of the predictions; its next state is kept."""
        step, before = needed.step, self._state
        own = {name: convert(each, self._space, self._rule_space, step) for name, each in predictions.items()}
        guided, self._state = self._rule.combine(own, step, before)
        return RuleStep(step, before, needed.branches, own, guided)

    def _reduced(self, branch: Branch) -> Branch:
        """The branch, without a patch that would change nothing."""
        patch, sides = branch.patch, self._sides[self._index]
        if patch is None or not patch.cancels:
            return branch
        own, *others = (contents(sides[name]) for name in sides_of(branch))
        return replace(branch, patch=None) if all(other == own for other in others) else branch

    def _terms(self, branch: Branch) -> list[tuple[str, tuple[Conditioning, ...], float]]:
        """The sum of a branch: (branch to count under, conditionings, weight), without zeros."""
        sides = self._sides[self._index]
        if branch.side not in sides:
            raise RequestError(
                f"rule {self._rule.name} needs the side {branch.side!r}; this request has {', '.join(sides)}"
            )
        own, *others = sides_of(branch)
        rest = 1.0 - sum(part.weight for part in sides[own])
        also = tuple(part.conditioning for name in others for part in sides[name])
        name = EMPTY if own != POSITIVE and is_empty(sides, own) else branch.name
        terms = [(name, (part.conditioning, *also), part.weight) for part in sides[own] if part.weight]
        if abs(rest) > 1e-9:
            terms += [(EMPTY, (part.conditioning, *also), rest * part.weight) for part in sides[EMPTY]]
        return terms

    def _key(self, conditionings: tuple[Conditioning, ...], branch: Branch) -> _Key:
        """What sets a row apart. The empty prompt gets no noise, so that a sum of texts evaluates it once."""
        noise = None if id(conditionings[0]) in empty_ids(self._sides[self._index]) else branch.noise
        numbers = self._numbers[0 if branch.side == POSITIVE else 1]
        return tuple(map(id, conditionings)), numbers, branch.patch, noise

    def _noisy(
        self, conditionings: tuple[Conditioning, ...], noise: ConditioningNoise | None
    ) -> tuple[Conditioning, ...]:
        if noise is None:
            return conditionings
        # "haze" is part of the seed: another word would change every picture made with such noise
        generator = keyed(self.seed, self._index, "haze")
        return with_noise(conditionings[0], noise, generator), *conditionings[1:]


def _weighted_sum(terms: Sequence[tuple[int, float]], predictions: Sequence[Tensor]) -> Tensor:
    """[1, channels, height, width] float32: the sum of rows by their weights."""
    if len(terms) == 1 and terms[0][1] == 1.0:
        return predictions[terms[0][0]][None]
    return torch.stack([predictions[index] * weight for index, weight in terms]).sum(0)[None]
