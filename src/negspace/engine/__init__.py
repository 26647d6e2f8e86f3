"""The engine: lanes are pictures under way, and their evaluations are rows of shared batches."""

from negspace.engine.batcher import BatchesUpTo, Batching, FixedBatches
from negspace.engine.canvas import Canvas, canvas_of
from negspace.engine.engine import Engine
from negspace.engine.lane import Lane, StepResult
from negspace.engine.ledger import LaneStats, Ledger, joined_stats
from negspace.engine.noise import draw, keyed
from negspace.engine.per_core import BatchesPerCore
from negspace.engine.sides import ConditioningSum, SidesAtStep, WeightedConditioning

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
    "joined_stats",
    "keyed",
]
