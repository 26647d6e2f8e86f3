"""The engine: pictures under way are lanes, their evaluations rows of shared forwards, every one counted."""

from negspace.engine.batcher import Batching, Fixed, UpTo
from negspace.engine.canvas import Canvas, canvas_of
from negspace.engine.engine import Engine
from negspace.engine.lane import Cast, Lane, Side, Taken, WeightedConditioning
from negspace.engine.ledger import Account, Ledger
from negspace.engine.noise import draw, keyed
from negspace.engine.spread import Spread

__all__ = [
    "Account",
    "Canvas",
    "Cast",
    "Engine",
    "Fixed",
    "Lane",
    "Ledger",
    "WeightedConditioning",
    "Side",
    "Spread",
    "Taken",
    "UpTo",
    "Batching",
    "canvas_of",
    "draw",
    "keyed",
]
