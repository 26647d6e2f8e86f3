"""Measured vectors and the figures drawn of them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import negspace as ns
from negspace.errors import LabError
from negspace.generate import Model
from negspace.lab import figures
from negspace.lab.vectors import PictureVectors, StepVectors, effective_scale, measure_vectors
from negspace.request import Request


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def measured(model: Model, requests: list[Request]) -> list[PictureVectors]:
    return measure_vectors(model, [model.plan(request) for request in requests])


def test_the_plane_by_hand() -> None:
    """d_c = (2, 0, 0), d_n = (1, 3, 0), d = d_n + 3 (d_c - d_n) = (4, -6, 0), target (1, 1, 5)."""
    points = np.array([[0, 0, 0], [2, 0, 0], [1, 3, 0], [4, -6, 0], [1, 1, 5]], dtype=float)
    step = StepVectors(0, 1, 0.5, points @ points.T)
    assert step.plane() == pytest.approx(
        np.array([[0, 0, 0], [2, 0, 0], [1, 3, 0], [4, -6, 0], [1, 1, 5]]), abs=1e-7
    )
    assert step.strength == pytest.approx(2.0)  # <(4, -6, 0), (2, 0, 0)> / 4


def test_without_a_negative_the_strength_is_the_scale(model: Model) -> None:
    pictures = measured(model, [Request(prompt="a cat", seed=s, scale=3.5, steps=3) for s in (0, 1)])
    assert effective_scale(pictures) == pytest.approx(3.5, rel=1e-4)
    assert [len(one.steps) for one in pictures] == [3, 3]
    for step in pictures[0].steps:
        assert step.plane()[2] == pytest.approx(0, abs=1e-4)  # d_n is d_u


def test_guided_is_on_the_line_through_both(model: Model) -> None:
    (one,) = measured(model, [Request(prompt="a cat", avoid="hat", scale=3.0, steps=3)])
    for step in one.steps:
        points = step.plane()
        assert points[3] == pytest.approx(points[2] + 3 * (points[1] - points[2]), rel=1e-3, abs=1e-3)
    assert one.stats.push[0] is not None and one.stats.omega[0] is not None
    assert one.stats.omega[0].positive == pytest.approx(3.0, rel=1e-3)
    assert one.stats.omega[0].negative == pytest.approx(2.0, rel=1e-3)


def test_at_scale_one_there_is_nothing_to_measure(model: Model) -> None:
    with pytest.raises(LabError, match="cannot be measured"):
        effective_scale(measured(model, [Request(prompt="a cat", avoid="hat", scale=1.0, steps=2)]))


def test_every_figure_is_drawn_the_same_twice(model: Model) -> None:
    pictures = measured(model, [Request(prompt="a cat", avoid="hat", seed=s, steps=4) for s in (0, 1)])
    rng = np.random.default_rng(3)
    rows = [
        figures.ScaleResults(scale, [True, False, True], [False, False, True], rng.normal(size=(3, 4)))
        for scale in (1.0, 3.0)
    ]
    grey, white = Image.new("RGB", (8, 8), "grey"), Image.new("RGB", (8, 8), "white")
    makers = (
        lambda: figures.vector_diagram(pictures[0].steps),
        lambda: figures.strength_curves([one.stats for one in pictures]),
        lambda: figures.leak_curve(rows),
        lambda: figures.variety_curve(rows),
        lambda: figures.heat_map([(grey, white), (grey, grey)]),
    )
    for make in makers:
        svg, dots = figures.render(make())
        assert svg.startswith(b"<?xml") and dots.startswith(b"\x89PNG")
        assert figures.render(make()) == (svg, dots)
