"""Lanes under rules of every kind: several negatives, wrappers, own spaces and states, skips, attention."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import pytest
import torch
from torch import Tensor

from negspace.encoding import Conditioning
from negspace.engine import Lane, SidesAtStep, WeightedConditioning, draw
from negspace.errors import RequestError
from negspace.guidance import Branch, Cfg, Patch, Rule, Step, Wrapper
from negspace.models.base import Row
from negspace.models.samplers import Sampler

SETTINGS = {"num_train_timesteps": 100, "clip_sample": False, "prediction_type": "epsilon"}
STEPS = 4
SHAPE = (2, 3, 3)


def says(value: float) -> Conditioning:
    return Conditioning(torch.full((2, 4), value), None, 1, torch.zeros(2, 4))


def cast(**sides: float) -> SidesAtStep:
    """Sides by name, each telling one number; "negative_0" stands for "negative:0"."""
    told = {name.replace("_", ":"): (WeightedConditioning(says(value)),) for name, value in sides.items()}
    return {"empty": (WeightedConditioning(says(0.0)),), **told}


def answer(row: Row) -> Tensor:
    """The fake network: a nonlinear function of the picture and of all that is told."""
    return torch.tanh(
        row.x * 0.3 + sum(float(told.hidden.mean()) * 0.5**i for i, told in enumerate(row.conditionings))
    )


def lane(
    rule: Rule[Any],
    sides: SidesAtStep | Sequence[SidesAtStep],
    negatives: Mapping[str, float] | None = None,
    negatives_by_step: Sequence[Mapping[str, float]] | None = None,
    **fields: Any,
) -> Lane:
    every = sides if isinstance(sides, Sequence) else [sides] * STEPS
    fields["negatives"] = negatives_by_step or [negatives or {}] * STEPS
    given = {"seed": 3, "noise": draw(3, SHAPE), "sampler": Sampler("DDIM", SETTINGS, STEPS), "space": "eps"}
    return Lane(rule=rule, sides=every, **(given | fields))


def finish(of: Lane, watch: Callable[[list[Row]], None] = lambda rows: None) -> Tensor:
    while not of.done:
        rows = of.rows()
        watch(rows)
        of.advance([answer(row) for row in rows])
    return of.x


@final
@dataclass(frozen=True)
class Not(Rule[None]):
    """d = d_u + w (d_c - d_n1 - d_n2..): the negatives told one by one, with their weights."""

    name, formula, paper, space = "not", "d_u + w (d_c - d_n)", "none", "eps"
    scale: float = 2.0

    def off(self) -> Self:
        return self

    def init(self) -> None:
        return None

    def branches(self, step: Step, state: None) -> tuple[Branch, ...]:
        others = tuple(Branch(side, side) for side in step.negatives)
        return Branch("positive", "positive"), Branch("empty", "empty"), *others

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: None) -> tuple[Tensor, None]:
        push = predictions["positive"] - predictions["empty"]
        for side, weight in step.negatives.items():
            push = push - weight * (predictions[side] - predictions["empty"])
        return predictions["empty"] + self.scale * push, None


@final
@dataclass(frozen=True)
class InPicture(Wrapper[int]):
    """A wrapper in the space of clean pictures that counts steps and asks for the negative at even ones."""

    name, formula, paper, space = "in_picture", "inner", "none", "x0"
    inner: Rule[Any] = Cfg(scale=3.0)

    def begin(self) -> int:
        return 0

    def branches(self, step: Step, state: tuple[int, None]) -> tuple[Branch, ...]:
        return super().branches(step, state)[: 2 - state[0] % 2]

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: tuple[int, None]
    ) -> tuple[Tensor, tuple[int, None]]:
        guided, inner = self.combine_inner(predictions, step, state[1])
        return guided, (state[0] + 1, inner)


@final
@dataclass(frozen=True)
class Attend(Rule[None]):
    """An attention-space rule: one evaluation whose network reads the negative as well."""

    name, formula, paper, space = "attend", "z", "none", "any"

    def off(self) -> Self:
        return self

    def init(self) -> None:
        return None

    def branches(self, step: Step, state: None) -> tuple[Branch, ...]:
        return (Branch("positive", "positive", Patch(("negative",))),)

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: None) -> tuple[Tensor, None]:
        return predictions["positive"], None


def test_several_negatives_are_told_one_by_one_with_their_weights() -> None:
    sides = cast(positive=0.5, negative_0=0.2, negative_1=-0.4)
    one = lane(Not(), sides, negatives={"negative:0": 1.0, "negative:1": 0.5})
    weighed = lane(Not(), sides, negatives={"negative:0": 1.0, "negative:1": 0.0})
    fewer = lane(Not(), sides, negatives={"negative:0": 1.0})
    assert not torch.allclose(finish(one), finish(weighed))
    assert torch.allclose(finish(weighed), finish(fewer))
    assert one.stats.evaluations == dict.fromkeys(("positive", "empty", "negative:0", "negative:1"), STEPS)


def test_a_wrapper_in_another_space_with_state_skips_what_it_does_not_need() -> None:
    sides = cast(positive=0.5, negative=-0.5)
    wrapped, guided, plain = (
        lane(InPicture(), sides),
        lane(Cfg(scale=3.0), sides),
        lane(Cfg(scale=1.0), sides),
    )
    for index in range(STEPS):
        before = guided.x
        for one in (guided, plain):
            one.x = before
            one.advance([answer(row) for row in one.rows()])
        guided.x = plain.x if index % 2 else guided.x
    assert torch.allclose(finish(wrapped), guided.x, atol=1e-5)
    assert wrapped.stats.evaluations == {"positive": 4, "negative": 2}
    assert [push is None for push in wrapped.stats.push] == [False, True, False, True]


def test_a_rule_in_attention_space_costs_one_evaluation_and_reads_both() -> None:
    seen: list[int] = []
    guided = lane(Attend(), cast(positive=0.5, negative=-0.5))
    finish(guided, lambda rows: seen.extend(len(row.conditionings) for row in rows))
    assert seen == [2] * STEPS
    assert guided.stats.evaluations == {"positive": STEPS}
    assert not torch.allclose(guided.x, finish(lane(Attend(), cast(positive=0.5, negative=0.5))))


def test_what_is_told_may_change_with_the_step() -> None:
    first, second = cast(positive=0.5, negative=0.1), cast(positive=-0.5, negative=0.1)
    changing = finish(lane(Cfg(), [first, first, second, second]))
    assert not torch.equal(changing, finish(lane(Cfg(), first)))
    assert not torch.equal(changing, finish(lane(Cfg(), second)))


def test_one_conditioning_is_run_once_however_many_branches_read_it() -> None:
    sides = dict(cast(positive=0.5))
    sides["negative"] = sides["empty"]
    shared = lane(Not(), sides, negatives={"negative": 1.0})
    sizes: list[int] = []
    finish(shared, lambda rows: sizes.append(len(rows)))
    assert sizes == [2] * STEPS
    assert shared.stats.evaluations == {"positive": STEPS, "empty": STEPS}
    assert shared.stats.push == (None,) * STEPS


def test_the_push_is_taken_from_the_empty_branch_where_it_was_run() -> None:
    sides = cast(positive=0.5, negative=-0.5)
    one = lane(Not(), sides, negatives={"negative": 1.0})
    positive, empty, negative = (answer(row) for row in one.rows())
    finish(one)
    assert one.stats.push[0] == pytest.approx(torch.linalg.vector_norm(negative - empty).item())
    other = lane(Cfg(), sides)
    finish(other)
    assert other.stats.push[0] == pytest.approx(torch.linalg.vector_norm(positive - negative).item())


def test_asking_twice_counts_once() -> None:
    one = lane(Cfg(), cast(positive=0.5, negative=-0.5))
    one.rows()
    rows = one.rows()
    one.advance([answer(row) for row in rows])
    assert one.stats.evaluations == {"positive": 1, "negative": 1}
    with pytest.raises(ValueError, match="rows"):
        one.advance([])


def test_a_side_that_is_not_there_is_told() -> None:
    with pytest.raises(RequestError, match=r"cfg needs the side 'negative'.*empty, positive"):
        lane(Cfg(), cast(positive=0.5)).rows()


def test_sides_must_cover_every_evaluation() -> None:
    with pytest.raises(ValueError, match="3 steps of sides and 4 of negatives for 4"):
        lane(Cfg(), [cast(positive=0.5)] * 3)
