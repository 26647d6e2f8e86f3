"""A guided step taken apart."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from negspace.guidance import Cfg, Rule, Space, Step, convert
from negspace.guidance.decompose import Parts, decompose
from negspace.guidance.rules.composable import Composable
from negspace.guidance.rules.dual import Dual
from negspace.guidance.rules.perp_neg import PerpNeg

LAW = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32)
scales = st.floats(0.5, 15)
SHAPE = (3, 2, 4, 4)


def told(seed: int) -> dict[str, Tensor]:
    drawn = torch.randn((3, *SHAPE), generator=torch.Generator().manual_seed(seed))
    return dict(zip(("positive", "empty", "negative"), drawn, strict=True))


def step_of(x: Tensor) -> Step:
    return Step(0, 1, 0.75, x, 0.8, 0.6, {"negative": 1.0})


def parts_of(rule: Rule[None], predictions: dict[str, Tensor]) -> Parts:
    step = step_of(predictions["empty"])
    asked = {branch.name: predictions[branch.name] for branch in rule.branches(step, None)}
    return decompose(rule.combine(asked, step, None)[0], **predictions)


def near(values: Tensor, expected: Tensor | float) -> bool:
    return torch.allclose(
        values, torch.as_tensor(expected, dtype=values.dtype).expand_as(values), rtol=1e-3, atol=1e-3
    )


@given(seeds, scales)
@LAW
def test_substitution_is_w_and_w_less_1(seed: int, w: float) -> None:
    parts = parts_of(Cfg(w), told(seed))
    assert parts.towards.shape == (3,)
    assert near(parts.towards, w) and near(parts.away, w - 1) and near(parts.rest, 0)


@given(seeds, scales, scales)
@LAW
def test_two_scales_are_found_again(seed: int, w: float, g: float) -> None:
    parts = parts_of(Dual(w, g), told(seed))
    assert near(parts.towards, w) and near(parts.away, g) and near(parts.rest, 0)
    parts = parts_of(Composable(w), told(seed))
    assert near(parts.towards, w) and near(parts.away, w)


@given(seeds, scales)
@LAW
def test_perp_neg_pays_in_strength_for_what_it_leaves_alone(seed: int, w: float) -> None:
    """d = w (1 + <n, p>/|p|^2) p - w n."""
    predictions = told(seed)
    p, n = (predictions[key] - predictions["empty"] for key in ("positive", "negative"))
    overlap = (n * p).flatten(1).sum(1) / (p * p).flatten(1).sum(1)
    parts = parts_of(PerpNeg(w), predictions)
    assert near(parts.towards, w * (1 + overlap)) and near(parts.away, w) and near(parts.rest, 0)


@given(seeds)
@LAW
def test_the_rest_is_what_neither_direction_holds(seed: int) -> None:
    predictions = told(seed)
    other = torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed + 1))
    parts = decompose(other, **predictions)
    p, n, d = (x - predictions["empty"] for x in (predictions["positive"], predictions["negative"], other))
    rest = d - parts.towards[:, None, None, None] * p + parts.away[:, None, None, None] * n
    for direction in (p, n):
        assert (rest * direction).flatten(1).sum(1).abs().max() < 1e-2
    assert near(parts.rest, rest.flatten(1).norm(dim=1) / d.flatten(1).norm(dim=1))


@given(seeds, scales)
@LAW
def test_without_a_negative_it_is_the_strength_of_the_paper(seed: int, w: float) -> None:
    predictions = told(seed)
    del predictions["negative"]
    empty, positive = predictions["empty"], predictions["positive"]
    parts = decompose(empty + w * (positive - empty), **predictions)
    assert near(parts.towards, w) and torch.equal(parts.away, torch.zeros(3)) and near(parts.rest, 0)


@given(seeds)
@LAW
def test_directions_that_are_one_or_none_have_an_answer(seed: int) -> None:
    predictions = told(seed)
    empty, positive = predictions["empty"], predictions["positive"]
    guided = empty + 3 * (positive - empty)
    for share in (-2.0, 0.5, 1.0):
        parts = decompose(guided, positive, empty, empty + share * (positive - empty))
        assert near(parts.towards, 3) and torch.equal(parts.away, torch.zeros(3)) and near(parts.rest, 0)
    parts = decompose(guided, positive, empty, empty)
    assert near(parts.towards, 3) and torch.equal(parts.away, torch.zeros(3))
    parts = decompose(empty - 2 * (predictions["negative"] - empty), empty, empty, predictions["negative"])
    assert torch.equal(parts.towards, torch.zeros(3)) and near(parts.away, 2)
    parts = decompose(guided, empty, empty, empty)
    assert parts.rest.tolist() == [1.0, 1.0, 1.0]
    parts = decompose(empty, positive, empty, predictions["negative"])
    assert not any(part.any() for part in (parts.towards, parts.away, parts.rest))


@pytest.mark.parametrize("space", ["x0", "v", "flow"])
@given(seed=seeds)
@LAW
def test_it_is_the_same_in_every_space(space: Space, seed: int) -> None:
    predictions = {key: value.double() for key, value in told(seed).items()}
    step = step_of(torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed + 1)).double())
    other = torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed + 2)).double()
    here = decompose(other, **predictions)
    moved = {key: convert(value, "eps", space, step) for key, value in predictions.items()}
    there = decompose(convert(other, "eps", space, step), **moved)
    for one, two in ((here.towards, there.towards), (here.away, there.away), (here.rest, there.rest)):
        assert torch.allclose(one, two)
