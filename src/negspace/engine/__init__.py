"""The engine: pictures under way are lanes, their evaluations rows of shared forwards, every one counted."""

from negspace.engine.batcher import BatchesUpTo, Batching, FixedBatches
from negspace.engine.canvas import Canvas, canvas_of
from negspace.engine.engine import Engine
from negspace.engine.lane import ConditioningSum, Lane, SidesAtStep, StepResult, WeightedConditioning
from negspace.engine.ledger import LaneStats, Ledger
from negspace.engine.noise import draw, keyed
from negspace.engine.per_core import BatchesPerCore

__all__ = [
    "LaneStats",
    "Canvas",
    "SidesAtStep",
    "Engine",
    "FixedBatches",
    "Lane",
    "Ledger",
    "WeightedConditioning",
    "ConditioningSum",
    "BatchesPerCore",
    "StepResult",
    "BatchesUpTo",
    "Batching",
    "canvas_of",
    "draw",
    "keyed",
]
