"""Rows in shared forwards come back to their places."""

import threading
from collections.abc import Sequence
from typing import cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from negspace.encoding import Conditioning
from negspace.engine.batcher import BatchesUpTo, Batching, FixedBatches, predict
from negspace.engine.per_core import BatchesPerCore
from negspace.guidance import Patch
from negspace.models.base import Network, Row


class Recorder:
    """A network that answers x + t and remembers the size of every forward."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.hands: set[str] = set()

    def predict(self, rows: Sequence[Row]) -> Tensor:
        assert len({row.kind for row in rows}) == 1
        self.sizes.append(len(rows))
        self.hands.add(threading.current_thread().name)
        return torch.stack([row.x + row.t for row in rows])


def row(number: int, windows: int = 1, patch: Patch | None = None, size: int = 2) -> Row:
    empty = torch.zeros(3, 4)
    told = Conditioning(empty.repeat(windows, 1), None, windows, empty)
    return Row(torch.full((1, size, size), float(number)), 0.5, (told,), patch)


def run(rows: Sequence[Row], width: Batching) -> tuple[list[Tensor], list[int]]:
    network = Recorder()
    answers, forwards = predict(cast(Network, network), rows, width)
    assert forwards == len(network.sizes)
    return answers, network.sizes


kinds = st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.integers(2, 3)), max_size=12)


@given(kinds, st.integers(1, 5), st.booleans())
def test_every_row_gets_its_own_answer(kinds: list[tuple[int, bool, int]], most: int, fixed: bool) -> None:
    rows = [row(i, windows, Patch() if on else None, size) for i, (windows, on, size) in enumerate(kinds)]
    answers, sizes = run(rows, FixedBatches(most) if fixed else BatchesUpTo(most))
    assert all(torch.equal(answer, one.x + one.t) for answer, one in zip(answers, rows, strict=True))
    assert all(size == most if fixed else 1 <= size <= most for size in sizes)
    needed = {kind: 0 for kind in kinds}
    for kind in kinds:
        needed[kind] += 1
    assert len(sizes) == sum(-(-count // most) for count in needed.values())


def test_a_fixed_width_fills_and_a_free_one_does_not() -> None:
    rows = [row(i) for i in range(5)]
    assert run(rows, FixedBatches(4))[1] == [4, 4]
    assert run(rows, BatchesUpTo(4))[1] == [4, 1]


def test_lengths_patches_and_sizes_go_apart() -> None:
    rows = [row(0), row(1, windows=2), row(2), row(3, patch=Patch()), row(4, size=3)]
    assert sorted(run(rows, BatchesUpTo(8))[1]) == [1, 1, 1, 2]


@pytest.fixture
def three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("negspace.engine.per_core.CORES", 3)


@pytest.mark.usefixtures("three_cores")
def test_a_spread_width_gives_every_core_a_forward_of_its_own() -> None:
    rows = [row(i) for i in range(8)]
    before = torch.get_num_threads()
    answers, sizes = run(rows, BatchesPerCore(16))
    assert sorted(sizes) == [2, 3, 3]
    assert all(torch.equal(answer, one.x + one.t) for answer, one in zip(answers, rows, strict=True))
    assert sorted(run(rows, BatchesPerCore(2))[1]) == [2, 2, 2, 2] and run(rows[:1], BatchesPerCore(2))[
        1
    ] == [1]
    assert torch.get_num_threads() == before  # what the crew does with its own threads is its own


@pytest.mark.usefixtures("three_cores")
def test_a_spread_width_shares_the_cores_with_other_engines() -> None:
    rows = [row(i) for i in range(8)]
    assert [BatchesPerCore(16).shared_by(hands).cores for hands in (1, 2, 3, 4)] == [3, 1, 1, 1]
    assert run(rows, BatchesPerCore(16).shared_by(3))[1] == [8]
    assert BatchesUpTo(16).shared_by(3) == BatchesUpTo(16) and BatchesUpTo(16).workers == 1


@pytest.mark.parametrize("width", [FixedBatches, BatchesUpTo, BatchesPerCore])
def test_a_width_of_no_rows_is_refused(width: type[FixedBatches | BatchesUpTo | BatchesPerCore]) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        width(0)
