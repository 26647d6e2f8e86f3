"""Laws of strengths."""

import math
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from negspace.errors import RequestError
from negspace.strength import STRENGTHS, Constant, Moment, Strength, constant, low_high_low, ramp, window

weights = st.floats(-10, 10)
shares = st.floats(0, 1)


def over(strength: Strength, count: int) -> list[float]:
    return [strength.at(Moment(index, count, sigma=count - index)) for index in range(count)]


@given(weights, st.integers(1, 50))
def test_a_constant_is_the_same_everywhere(weight: float, count: int) -> None:
    assert over(constant(weight), count) == [weight] * count


@given(shares, shares, shares, st.integers(1, 60))
def test_windows_that_touch_cover_every_step_once(a: float, b: float, c: float, count: int) -> None:
    edges = sorted({0.0, a, b, c, 1.0})
    covered = [0.0] * count
    for start, stop in zip(edges, edges[1:], strict=False):
        covered = [x + y for x, y in zip(covered, over(window(start, stop), count), strict=True)]
    assert covered == [1.0] * count


@given(st.integers(1, 60), weights)
def test_a_window_over_everything_is_what_is_inside(count: int, weight: float) -> None:
    assert over(window(0, 1, weight), count) == over(constant(weight), count)
    assert over(window(0, 1, ramp(weight, 1)), count) == over(ramp(weight, 1), count)
    assert over(window(math.inf, 0, weight, axis="sigma"), count) == over(constant(weight), count)


def test_a_window_in_steps() -> None:
    assert over(window(0.17, 0.6, 2), 10) == [0, 0, 2, 2, 2, 2, 0, 0, 0, 0]


def test_a_window_in_sigma_holds_its_upper_end_and_not_its_lower() -> None:
    assert over(window(4, 2, axis="sigma"), 5) == [0, 1, 1, 0, 0]


@pytest.mark.parametrize("shape", ["linear", "cosine"])
@given(first=weights, last=weights, count=st.integers(2, 40))
def test_a_ramp_goes_from_end_to_end_and_never_back(
    shape: Literal["linear", "cosine"], first: float, last: float, count: int
) -> None:
    values = over(ramp(first, last, shape), count)
    assert values[0] == pytest.approx(first, abs=1e-9) and values[-1] == pytest.approx(last, abs=1e-9)
    rising = 1 if last >= first else -1
    assert all(rising * (after - before) >= -1e-9 for before, after in zip(values, values[1:], strict=False))


def test_ramps_by_hand() -> None:
    assert over(ramp(0, 1), 5) == [0, 0.25, 0.5, 0.75, 1]
    assert over(ramp(0, 1, "cosine"), 3) == pytest.approx([0, 0.5, 1])
    assert over(ramp(3, 1), 1) == [3]


@pytest.mark.parametrize(
    "make",
    [
        lambda: window(0.6, 0.2),
        lambda: window(-0.1, 0.5),
        lambda: window(0.5, 1.5),
        lambda: window(0.5, math.nan),
        lambda: window(2, 5, axis="sigma"),
        lambda: constant(math.inf),
        lambda: ramp(0, math.nan),
        lambda: low_high_low(math.inf),
    ],
)
def test_bounds_out_of_order_are_refused(make: Callable[[], Strength]) -> None:
    with pytest.raises(RequestError, match="strength"):
        make()


@given(weights, st.integers(1, 60))
def test_low_high_low_moves_strength_to_the_middle_and_adds_none(weight: float, count: int) -> None:
    values = over(low_high_low(weight), count)
    assert sum(values) / count == pytest.approx(weight, abs=1e-9)
    assert values == pytest.approx(values[::-1], abs=1e-9)
    sizes = [abs(value) for value in values]
    rising = sizes[: (count + 1) // 2]
    assert all(after >= before - 1e-9 for before, after in zip(rising, rising[1:], strict=False))


def test_low_high_low_by_hand() -> None:
    assert over(low_high_low(1), 5) == pytest.approx([0, 1.25, 2.5, 1.25, 0])
    assert over(low_high_low(2), 4) == pytest.approx([0, 4, 4, 0])
    assert over(low_high_low(3), 2) == [3, 3]


def test_an_unknown_axis_or_shape_is_refused_with_what_there_is() -> None:
    with pytest.raises(RequestError, match="window strength.*'time'.*progress"):
        window(0.1, 0.5, axis="time")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="ramp strength.*'square'.*linear"):
        ramp(0, 1, "square")  # type: ignore[arg-type]


def test_every_strength_is_called_as_its_class_is() -> None:
    values = {"window": (0.1, 0.5), "ramp": (0, 1)}
    for name, made in STRENGTHS.items():
        assert made(*values.get(name, ())).name == name


def test_strengths_are_values() -> None:
    assert window(0.1, 0.5, 2) == window(0.1, 0.5, Constant(2))
    assert len({constant(1), Constant(1.0), constant(2)}) == 2
