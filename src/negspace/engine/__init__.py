"""The engine: pictures under way are lanes, their evaluations rows of shared forwards, every one counted."""

from negspace.engine.batcher import Fixed, UpTo, Width
from negspace.engine.canvas import Canvas, canvas_of
from negspace.engine.engine import Engine
from negspace.engine.lane import Cast, Lane, Part, Side, Taken
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
    "Part",
    "Side",
    "Spread",
    "Taken",
    "UpTo",
    "Width",
    "canvas_of",
    "draw",
    "keyed",
]
