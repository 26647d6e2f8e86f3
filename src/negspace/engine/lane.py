"""Lane: one picture under way, with its noise, its schedule, its rule and the rule's state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from negspace.encoding import Conditioning
from negspace.engine.canvas import Canvas
from negspace.engine.ledger import LaneStats, Ledger
from negspace.engine.noise import keyed, with_noise
from negspace.errors import RequestError
from negspace.guidance import Branch, ConditioningNoise, Patch, Rule, Space, Step, convert
from negspace.guidance.branch import EMPTY, NEGATIVE, POSITIVE
from negspace.guidance.decompose import Parts, decompose
from negspace.guidance.shared.terms import is_joint_side, joint_sides
from negspace.models.base import Row
from negspace.models.samplers import Sampler

Numbers = tuple[float, ...]
"""What the network is told in numbers beside a text."""

_Key = tuple[tuple[int, ...], Numbers, Patch | None, ConditioningNoise | None]


@dataclass(frozen=True, eq=False)
class WeightedConditioning:
    """One conditioning of a side, with its weight in the sum."""

    conditioning: Conditioning
    weight: float = 1.0


ConditioningSum = tuple[WeightedConditioning, ...]
"""What one side says: d_u + sum of weight * (d_part - d_u). One part of weight 1 is its own prediction."""

SidesAtStep = Mapping[str, ConditioningSum]
"""Every side of a lane at one step, by name. "empty" is always among them."""


@dataclass(frozen=True, eq=False)
class StepResult:
    """What a step was made of, [1, channels, height, width] float32 each.

    Attributes:
        step: where the picture stood.
        space: what the network answers with.
        answers: the prediction of every branch, by name, in that space.
        guided: what the rule made of them, in that space.
    """

    step: Step
    space: Space
    predictions: Mapping[str, Tensor]
    guided: Tensor


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a lane asked for at a step.

    Attributes:
        step: the step.
        branches: what the rule wants.
        numbers: the row that answers for a conditioning.
        names: for each pass of the network the branch it is counted under.
    """

    step: Step
    branches: tuple[Branch, ...]
    numbers: dict[_Key, int]
    names: list[str]


class Lane:
    """One picture under way. What becomes of it depends on nothing but what is given here.

    Args:
        seed: of the picture; keys the noise that the sampler draws.
        noise: [channels, height, width] float32 unit noise to start from.
        sampler: fresh, for this lane alone.
        rule: how predictions are combined.
        space: what the network answers with.
        casts: what every side says, one entry per evaluation step of the sampler.
        negatives: weights of the sides that are avoided one by one, one entry per evaluation step; None is
            none.
        canvas: what is started from, and kept; None starts from the noise.
        numbers: what the network is told in numbers on the positive side, and on every other.

    Attributes:
        seed: as given.
        x: [channels, height, width] float32, the noisy picture; once `done`, the latents of the picture.
        taken: what the last step was made of; None before the first.
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
        canvas: Canvas | None = None,
        numbers: tuple[Numbers, Numbers] = ((), ()),
    ) -> None:
        negatives = [{}] * sampler.evaluations if negatives is None else negatives
        if not len(sides) == len(negatives) == sampler.evaluations:
            given = f"{len(sides)} casts and {len(negatives)} negatives"
            raise ValueError(f"{given} for {sampler.evaluations} evaluations")
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
        self._numbers = numbers
        self._state: Any = rule.init()
        self._index = sampler.first
        self._ledger = Ledger()
        self._asked: _Asked | None = None
        self.last_step: StepResult | None = None
        self.x = self._begun()

    def _begun(self) -> Tensor:
        """What the first evaluation of the lane is shown."""
        canvas = self._canvas
        if canvas is None or canvas.skipped == 0:
            return self._kept(self._sampler.start(self._noise), self._index)
        return self._sampler.noised(canvas.latents, self._noise, self._index)

    def _kept(self, x: Tensor, index: int) -> Tensor:
        """x with what the canvas keeps, under as much noise as an evaluation is shown."""
        if self._canvas is None or self._canvas.free is None:
            return x
        known = self._sampler.noised(self._canvas.latents, self._noise, index)
        return self._canvas.keep(x, known)

    @property
    def clean(self) -> Tensor | None:
        """[channels, height, width] float32, the clean latents that the last step foresaw; None before it."""
        if self.last_step is None:
            return None
        return convert(self.last_step.guided, self.last_step.space, "x0", self.last_step.step)[0]

    @property
    def done(self) -> bool:
        """Whether the picture is finished."""
        return self._index == len(self._sides)

    @property
    def progress(self) -> tuple[int, int]:
        """(evaluation steps done, evaluation steps in all), those that are left out not counted."""
        return self._index - self._sampler.first, len(self._sides) - self._sampler.first

    @property
    def stats(self) -> LaneStats:
        """What was counted so far."""
        return self._ledger.close()

    def rows(self) -> list[Row]:
        """The evaluations of the step at hand, each conditioning once however many branches read it."""
        step = self._step()
        asked = _Asked(step, self._rule.branches(step, self._state), {}, [])
        time = self._sampler.time(self._index)
        rows: list[Row] = []
        for branch in asked.branches:
            for name, told, _ in self._terms(branch):
                key = self._key(told, branch)
                if key not in asked.numbers:
                    asked.numbers[key] = len(rows)
                    through = self._noisy(told, key[-1])
                    rows.append(Row(step.x[0], time, through, branch.patch, key[1]))
                    asked.names.extend([name] * rows[-1].passes)
        self._asked = asked
        return rows

    def advance(self, predictions: Sequence[Tensor]) -> None:
        """Take one step with the predictions for `rows`, in their order, [channels, height, width] each."""
        if self._asked is None:
            raise ValueError("rows() comes before advance()")
        asked, step, self._asked = self._asked, self._asked.step, None
        for name in asked.names:
            self._ledger.count(name)
        answers = {branch.name: self._side(branch, asked.numbers, predictions) for branch in asked.branches}
        space: Space = self._space if self._rule.effective_space == "any" else self._rule.effective_space
        own = {name: convert(answer, self._space, space, step) for name, answer in answers.items()}
        guided, self._state = self._rule.combine(own, step, self._state)
        guided = convert(guided, space, self._space, step)
        self._ledger.step(
            told=any(map(self._avoids, asked.branches)),
            push=self._push(asked.branches, answers),
            parts=self._parts(guided, asked.branches, answers),
        )
        self.last_step = StepResult(step, self._space, answers, guided)
        noise = keyed(self.seed, self._index + 1) if self._sampler.draws else None
        x = self._sampler.step(guided, self.x[None], self._index, noise)[0]
        self.x = self._kept(x, self._index + 1)
        self._index += 1  # last: who sees from another thread that the picture is done finds it whole

    def _step(self) -> Step:
        index, count = self._index, len(self._sides)  # of the whole schedule: a window is one of noise levels
        a, s = self._sampler.level(index)
        x = self._sampler.scaled_input(self.x[None], index)
        following = self._sampler.level(index + 1)
        negatives = self._negatives[index]
        return Step(index, count, s / a if a else float("inf"), x, a, s, negatives, following)

    def _terms(self, branch: Branch) -> list[tuple[str, tuple[Conditioning, ...], float]]:
        """The sum a branch stands for: (branch to count under, what is told, weight), without zeros."""
        cast = self._sides[self._index]
        if branch.side not in cast:
            raise RequestError(
                f"rule {self._rule.name} needs the side {branch.side!r}; this request has {', '.join(cast)}"
            )
        side = cast[branch.side]
        rest = 1.0 - sum(part.weight for part in side)
        also = tuple(part.conditioning for name in _sides(branch) for part in cast[name])
        name = branch.name if branch.side == POSITIVE or self._says(branch.side) else EMPTY
        terms = [(name, (part.conditioning, *also), part.weight) for part in side if part.weight]
        if abs(rest) > 1e-9:
            terms += [(EMPTY, (part.conditioning, *also), rest * part.weight) for part in cast[EMPTY]]
        return terms

    def _says(self, side: str) -> bool:
        """Whether a side says anything but the empty prompt at the step at hand."""
        nothing = self._nothing()
        return any(
            id(part.conditioning) not in nothing and part.conditioning.given != "zeros"
            for part in self._sides[self._index][side]
        )

    def _nothing(self) -> set[int]:
        """What the empty side is told at the step at hand."""
        return {id(part.conditioning) for part in self._sides[self._index][EMPTY]}

    def _key(self, told: tuple[Conditioning, ...], branch: Branch) -> _Key:
        """What sets a row apart. The empty prompt gets no noise, so that a sum of texts evaluates it once."""
        noise = None if id(told[0]) in self._nothing() else branch.noise
        numbers = self._numbers[0 if branch.side == POSITIVE else 1]
        return tuple(id(conditioning) for conditioning in told), numbers, branch.patch, noise

    def _noisy(
        self, conditionings: tuple[Conditioning, ...], noise: ConditioningNoise | None
    ) -> tuple[Conditioning, ...]:
        if noise is None:
            return conditionings
        # "haze" is part of the seed: another word would change every picture made with such noise
        generator = keyed(self.seed, self._index, "haze")
        return with_noise(conditionings[0], noise, generator), *conditionings[1:]

    def _avoiding(self, side: str) -> float:
        """The weight of a side that is avoided and says something at the step at hand; else 0."""
        if is_joint_side(side):
            cast = self._sides[self._index]
            weight, _ = joint_sides(self._negatives[self._index]).get(side, (0.0, ()))
            return 0.0 if cast[side] is cast[POSITIVE] else weight
        weight = 1.0 if side == NEGATIVE else self._negatives[self._index].get(side, 0.0)
        return weight if weight and self._says(side) else 0.0

    def _avoids(self, branch: Branch) -> bool:
        """Whether a branch, or what its patch reads, tells the network something that is avoided."""
        return any(self._avoiding(side) for side in (branch.side, *_sides(branch)))

    def _push(self, branches: Sequence[Branch], answers: Mapping[str, Tensor]) -> Tensor | None:
        """How far what is predicted of everything avoided stands off, together, from the empty prediction, or
        else from the positive one, as it always does where it is told with what is wanted; None where none
        was run."""
        pushes = self._away(branches, answers, answers.get(EMPTY, answers[POSITIVE]))
        return torch.linalg.vector_norm(torch.stack(pushes).sum(0)) if pushes else None

    def _away(self, branches: Sequence[Branch], answers: Mapping[str, Tensor], base: Tensor) -> list[Tensor]:
        """What each branch that is avoided adds to its base, by its weight."""
        weighed = [(one, self._avoiding(one.side)) for one in branches if one.side != POSITIVE]
        return [
            weight * (answers[one.name] - (answers[POSITIVE] if is_joint_side(one.side) else base))
            for one, weight in weighed
            if weight
        ]

    def _parts(
        self, guided: Tensor, branches: Sequence[Branch], answers: Mapping[str, Tensor]
    ) -> Parts | None:
        """The guided step taken apart; None where what is wanted or nothing was not evaluated as it is."""
        plain = [one for one in branches if one.patch is None]
        positive = next((answers[one.name] for one in plain if one.side == POSITIVE), None)
        nothing = (one for one in plain if one.side != POSITIVE and not self._says(one.side))
        empty = next((answers[one.name] for one in nothing), None)
        if positive is None or empty is None:
            return None
        away = self._away(plain, answers, empty)
        negative = empty + torch.stack(away).sum(0) if away else None
        return decompose(guided, positive, empty, negative)

    def _side(self, branch: Branch, numbers: Mapping[_Key, int], predictions: Sequence[Tensor]) -> Tensor:
        """[1, channels, height, width] float32, the prediction of a branch."""
        terms = self._terms(branch)
        answers = [(predictions[numbers[self._key(told, branch)]], weight) for _, told, weight in terms]
        if len(answers) == 1 and answers[0][1] == 1.0:
            return answers[0][0][None]
        return torch.stack([answer * weight for answer, weight in answers]).sum(0)[None]


def _sides(branch: Branch) -> tuple[str, ...]:
    return branch.patch.sides if branch.patch else ()
