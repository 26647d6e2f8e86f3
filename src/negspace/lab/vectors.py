"""The predictions behind a picture, measured step by step as vectors, and their effective strength."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from negspace.engine import Engine, FixedBatches, LaneStats, StepResult
from negspace.errors import LabError
from negspace.generate import Model
from negspace.guidance import convert
from negspace.guidance.branch import EMPTY, NEGATIVE, POSITIVE
from negspace.planning.plan import Plan

POINTS = ("unconditioning", "conditioning", "negative", "guided", "target")
"""The points of the diagram: d_u, d_c, d_n, d, and the finished clean picture."""

MEASURED = 4
"""Pictures of a measurement whose vectors are measured."""

_PLAIN = "plain"  # name of the unchanged positive prediction in the rule `traced`


@final
@dataclass(frozen=True, eq=False)
class StepVectors:
    """One step of one picture, in the space of clean latents.

    Attributes:
        index, count: which step of how many.
        noise: s, the share of noise in the picture.
        products: [5, 5], dot products of the five points relative to d_u, in the order of `POINTS`.
    """

    index: int
    count: int
    noise: float
    products: NDArray[np.float64]

    @property
    def strength(self) -> float:
        """omega_e = <d - d_u, d_c - d_u> / |d_c - d_u|^2, GA-Eval, arXiv 2602.22570; 0 where d_c is d_u."""
        along, length = self.products[3, 1], self.products[1, 1]
        return float(along / length) if length > 0 else 0.0

    def plane(self) -> NDArray[np.float64]:
        """[5, 3]: the coordinates of the points in the plane of d_u, d_c and d_n, and their distance from it.

        The first axis points from d_u to d_c, and the second coordinate of d_n is at least 0.
        """
        g = self.products
        first = np.sqrt(max(g[1, 1], 0.0))
        x = g[:, 1] / first if first > 0 else np.zeros(5)
        second = np.sqrt(max(g[2, 2] - x[2] ** 2, 0.0))
        y = (g[:, 2] - x * x[2]) / second if second > 1e-9 * (first + 1e-30) else np.zeros(5)
        off = np.sqrt(np.maximum(np.diag(g) - x**2 - y**2, 0.0))
        return np.stack([x, y, off], axis=1)


@final
@dataclass(frozen=True, eq=False)
class PictureVectors:
    """What was measured while one picture was made.

    Attributes:
        steps: the vectors of every step in which all predictions were evaluated.
        stats: push and effective strengths, step by step.
    """

    steps: tuple[StepVectors, ...]
    stats: LaneStats


def measure_vectors(model: Model, plans: Sequence[Plan], rows: int = 16) -> list[PictureVectors]:
    """Generate one picture per plan and measure the vectors of every step.

    Args:
        plans: of the model, for one picture each; their rule is evaluated inside `traced`.
        rows: rows of a forward pass.

    Raises:
        NegspaceError: a plan cannot be run.
    """
    batching = FixedBatches(rows)
    batched = model.with_batching(batching)
    runs = [batched.run(plan.model_copy(update={"rule": f"traced({plan.rule})"})) for plan in plans]
    lanes = [lane for run in runs for lane in run.lanes]
    results: list[list[StepResult]] = [[] for _ in lanes]
    for _ in Engine(runs[0].network, batching).run(lanes):
        for lane, steps in zip(lanes, results, strict=True):
            if lane.last_step is not None and (not steps or steps[-1] is not lane.last_step):
                steps.append(lane.last_step)
    return [
        PictureVectors(tuple(filter(None, (_vectors(step, lane.x) for step in steps))), lane.stats)
        for lane, steps in zip(lanes, results, strict=True)
    ]


def effective_scale(pictures: Sequence[PictureVectors]) -> float:
    """The scale at which plain guidance moves as far towards the prompt: the mean omega_e of the steps.

    Raises:
        LabError: there is no step in which all predictions were evaluated.
    """
    steps = [step for picture in pictures for step in picture.steps]
    if not steps:
        raise LabError("the strength of this rule cannot be measured: it never evaluates the negative")
    return float(np.mean([step.strength for step in steps]))


def _vectors(result: StepResult, latents: Tensor) -> StepVectors | None:
    """The vectors of a step; None if a prediction is missing, as in a step that evaluates only the prompt."""
    predictions, step = result.predictions, result.step
    empty, negative = predictions.get(EMPTY), predictions.get(NEGATIVE)
    positive = predictions.get(_PLAIN, predictions.get(POSITIVE))
    if positive is None or negative is None:
        return None
    if empty is None:  # nothing is avoided: the negative branch has the empty prompt
        empty = negative
    clean = [
        convert(prediction, result.space, "x0", step)
        for prediction in (empty, positive, negative, result.guided)
    ]
    base = clean[0]
    points = torch.cat([*(point - base for point in clean), latents[None] - base]).flatten(1).double()
    return StepVectors(step.index, step.count, step.s, (points @ points.T).cpu().numpy())
