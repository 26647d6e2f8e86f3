"""Noise is keyed by seed and step."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.engine import draw, keyed
from negspace.request import LARGEST_SEED

seeds = st.integers(0, LARGEST_SEED)


def sample(seed: int, step: int) -> list[float]:
    return torch.randn(4, generator=keyed(seed, step)).tolist()


@given(seeds, st.integers(0, 1000))
@settings(max_examples=30)
def test_the_same_key_gives_the_same_noise(seed: int, step: int) -> None:
    assert sample(seed, step) == sample(seed, step)


@given(seeds, seeds, st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=30)
def test_another_key_gives_other_noise(seed: int, other: int, step: int, later: int) -> None:
    assert (sample(seed, step) == sample(other, later)) == ((seed, step) == (other, later))


@given(st.integers(0, 2**62))
@settings(max_examples=10)
def test_the_first_noise_is_that_of_diffusers(seed: int) -> None:
    theirs = torch.randn((1, 4, 2, 2), generator=torch.Generator().manual_seed(seed))[0]
    assert torch.equal(draw(seed, (4, 2, 2)), theirs)
