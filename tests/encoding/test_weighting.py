"""Weightings: one case by hand for each, the guard of a1111, and independence of the windows."""

import math

import pytest
import torch
from torch import Tensor

from negspace.encoding.weighting import (
    WEIGHTINGS,
    WeightedWindow,
    a1111,
    compel,
    find_weighting,
    lerp,
    product,
)
from negspace.errors import EncodingError

Z = [[1.0, 2.0], [3.0, -1.0], [2.0, 5.0]]
EMPTY = [[1.0, 2.0], [1.0, 1.0], [0.0, 1.0]]


def window(weights: list[float], z: list[list[float]] = Z, blind: list[list[float]] = Z) -> WeightedWindow:
    """A begin mark and two words, each a fragment of its own."""

    def without(_: Tensor) -> Tensor:
        return torch.tensor(blind)

    return WeightedWindow(
        torch.tensor(z), torch.tensor(EMPTY), torch.tensor([1.0, *weights]), torch.tensor([-1, 0, 1]), without
    )


def close(got: Tensor, expected: list[list[float]]) -> None:
    torch.testing.assert_close(got, torch.tensor(expected, dtype=torch.float32))


def test_product_by_hand() -> None:
    close(product(window([2.0, 0.5])), [[1, 2], [6, -2], [1, 2.5]])


def test_a1111_by_hand() -> None:
    # Sum before 12, after 1+2+6-2+1+2.5 = 10.5, so every value is scaled by 12/10.5 = 8/7.
    s = 8 / 7
    close(a1111(window([2.0, 0.5])), [[s, 2 * s], [6 * s, -2 * s], [s, 2.5 * s]])


def test_a1111_restores_the_mean() -> None:
    weighted = a1111(window([1.7, 0.2]))
    assert float(weighted.mean()) == pytest.approx(2.0)


def test_lerp_by_hand() -> None:
    # e + w(z - e): second word of weight 2: (1 + 2*2, 1 + 2*-2); third of 0.5: (0 + 0.5*2, 1 + 0.5*4).
    close(lerp(window([2.0, 0.5])), [[1, 2], [5, -3], [1, 3]])


def test_lerp_leaves_weight_one_exactly_as_it_is() -> None:
    torch.manual_seed(0)
    z = (torch.randn(3, 2) * 1e4).tolist()
    weighted = lerp(window([1.0, 1.5], z))
    assert torch.equal(weighted[:2], torch.tensor(z)[:2])


def test_compel_by_hand() -> None:
    # Third token of weight 0.5: lerp gives (1, 3). Blind to it the encoder says BLIND, lerped to (2, 2)
    # there. tan(pi/4) = 1, so the result lies halfway between the two.
    blind = [[1.0, 2.0], [5.0, 1.0], [4.0, 3.0]]
    close(compel(window([1.0, 0.5], blind=blind)), [[1, 2], [4, 0], [1.5, 2.5]])


def test_compel_mixes_every_light_fragment_by_its_tangent() -> None:
    blind = [[0.0, 0.0]] * 3
    shares = [math.tan((1 - w) * math.pi / 2) for w in (0.5, 0.75)]
    got = compel(window([0.5, 0.75], blind=blind))
    whole, lerped_blind = lerp(window([0.5, 0.75])), lerp(window([0.5, 0.75], z=blind))
    torch.testing.assert_close(got, (whole + sum(shares) * lerped_blind) / (1 + sum(shares)))


def test_compel_at_weight_zero_is_the_encoding_without_the_word() -> None:
    blind = [[1.0, 2.0], [5.0, 1.0], [4.0, 3.0]]
    got = compel(window([1.0, 0.0], blind=blind))
    torch.testing.assert_close(got[:2], torch.tensor(blind)[:2], atol=1e-3, rtol=0)


def test_compel_above_one_is_lerp() -> None:
    assert torch.equal(compel(window([1.0, 1.4])), lerp(window([1.0, 1.4])))


@pytest.mark.parametrize(
    "z",
    [
        [[1.0, -1.0], [2.0, -2.0], [3.0, -3.0]],  # mean exactly zero
        [[1.0, -1.0], [2.0, -2.0], [3.0, -3.0001]],  # so near zero that rounding would decide
        [[3.0, -1.0], [-4.0, -2.0], [3.0, 2.0]],  # weighting turns the mean's sign
    ],
)
def test_a1111_does_not_divide_by_a_mean_near_zero(z: list[list[float]]) -> None:
    asked = window([1.5, 0.5], z)
    weighted = a1111(asked)
    assert torch.equal(weighted, product(asked))
    assert float(weighted.abs().max()) <= 1.5 * float(torch.tensor(z).abs().max())


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_weights_of_one_change_nothing(name: str) -> None:
    torch.testing.assert_close(WEIGHTINGS[name](window([1.0, 1.0])), torch.tensor(Z))


def test_an_unknown_weighting_names_those_there_are() -> None:
    with pytest.raises(EncodingError, match="'a1112'; did you mean 'a1111'"):
        find_weighting("a1112")
