"""Vectors: the predictions that a request was really made of, and the strength that came of them."""

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
from negspace.request import Request

POINTS = ("unconditioning", "conditioning", "negative", "guided", "target")
"""The points of the diagram: d_u, d_c, d_n, d, and the clean picture that came of it all."""

_PLAIN = "plain"  # what `traced` calls the positive prediction beside a changed one


@final
@dataclass(frozen=True, eq=False)
class StepVectors:
    """One step of one picture, in the space of clean latents.

    Attributes:
        index, count: which step of how many.
        noise: s, the share of noise in the picture.
        products: [5, 5], dot products of the five points as seen from d_u, in the order of `POINTS`.
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
        """[5, 3]: where the points are in the plane of d_u, d_c and d_n, and how far they stand off it.

        The first axis points from d_u to d_c, and d_n has a second coordinate of at least 0.
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
    """One picture, as it was made.

    Attributes:
        steps: its vectors, at every step where all of them were evaluated.
        account: its push and its effective strengths, step by step.
    """

    steps: tuple[StepVectors, ...]
    account: LaneStats


def measure_vectors(model: Model, requests: Sequence[Request], rows: int = 16) -> list[PictureVectors]:
    """The vectors of every step of each request, whose pictures are made for it.

    Args:
        model: makes them.
        requests: one picture each; their rule is evaluated with `traced` around it.
        rows: rows a forward.

    Raises:
        NegspaceError: a request is impossible for the model.
    """
    width = FixedBatches(rows)
    batched = model.with_batching(width)
    plans = [batched.plan(request) for request in requests]
    runs = [batched.run(plan.model_copy(update={"rule": f"traced({plan.rule})"})) for plan in plans]
    lanes = [lane for run in runs for lane in run.lanes]
    engine = Engine(runs[0].network, width)
    taken: list[list[StepResult]] = [[] for _ in lanes]
    for _ in engine.run(lanes):
        for lane, steps in zip(lanes, taken, strict=True):
            if lane.last_step is not None and (not steps or steps[-1] is not lane.last_step):
                steps.append(lane.last_step)
    return [
        PictureVectors(
            tuple(vectors for step in steps if (vectors := _vectors(step, lane.x)) is not None), lane.stats
        )
        for lane, steps in zip(lanes, taken, strict=True)
    ]


def effective_scale(pictures: Sequence[PictureVectors]) -> float:
    """The scale at which plain guidance goes as far towards what is wanted: the mean omega_e of the steps.

    Raises:
        LabError: there is no step where everything was evaluated.
    """
    steps = [step for picture in pictures for step in picture.steps]
    if not steps:
        raise LabError(
            "the strength of this rule cannot be measured: it never evaluates what it holds against"
        )
    return float(np.mean([step.strength for step in steps]))


def _vectors(taken: StepResult, latents: Tensor) -> StepVectors | None:
    """None where a prediction is missing, as at a step where only the prompt is evaluated."""
    answers = taken.predictions
    empty, negative = answers.get(EMPTY), answers.get(NEGATIVE)
    positive = answers.get(_PLAIN, answers.get(POSITIVE))
    if positive is None or negative is None:
        return None
    if empty is None:  # nothing is avoided, and what stands for nothing is the empty prompt
        empty = negative
    clean = [convert(one, taken.space, "x0", taken.step) for one in (empty, positive, negative, taken.guided)]
    base = clean[0]
    points = torch.cat([*(one - base for one in clean), latents[None] - base]).flatten(1).double()
    step = taken.step
    return StepVectors(step.index, step.count, step.s, (points @ points.T).cpu().numpy())
