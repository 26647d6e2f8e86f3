"""Planar group norms: the same numbers in the same order of memory, faster."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import GroupNorm, Sequential

from negspace.models.hardware import choose_placement
from negspace.models.loading.norms import PlanarGroupNorm, use_planar_norms
from negspace.models.loading.reading import ready


def network(groups: int, channels: int) -> Sequential:
    norm = GroupNorm(groups, channels)
    norm.weight.data.normal_()
    norm.bias.data.normal_()
    made = Sequential(norm, Sequential(GroupNorm(groups, channels, affine=False)))
    return made.eval().requires_grad_(False)


@settings(deadline=None)
@given(
    groups=st.integers(1, 4),
    each=st.integers(1, 5),
    side=st.integers(1, 6),
    seed=st.integers(0, 99),
    layout=st.sampled_from([torch.channels_last, torch.contiguous_format]),
)
def test_the_numbers_and_the_order_of_memory_stay(
    groups: int, each: int, side: int, seed: int, layout: torch.memory_format
) -> None:
    torch.manual_seed(seed)
    plain = network(groups, groups * each)
    shown = torch.randn(3, groups * each, side, side + 1).contiguous(memory_format=layout)
    expected = plain(shown)
    use_planar_norms(plain)
    found = plain(shown)
    # of nearly equal numbers the norm makes differences three hundred times as large, and of rounding too
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=1e-3)
    assert found.is_contiguous(memory_format=layout)


def test_only_group_norms_are_exchanged_and_names_stay() -> None:
    plain = network(2, 4)
    names = list(plain.state_dict())
    use_planar_norms(plain)
    assert all(type(one) is PlanarGroupNorm for one in plain.modules() if isinstance(one, GroupNorm))
    assert list(plain.state_dict()) == names
    plain(torch.zeros(1, 4, 3))  # tokens of a row, as attention norms them


@pytest.mark.parametrize(("dtype", "exchanged"), [("float32", False), ("bfloat16", True)])
def test_a_network_in_channels_last_on_a_cpu_gets_them(dtype: str, exchanged: bool) -> None:
    read = ready(network(2, 4), choose_placement(dtype, "cpu"))
    assert isinstance(read[0], PlanarGroupNorm) is exchanged
