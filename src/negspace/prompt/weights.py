"""Weights as numbers: read, multiplied without overflow, and spelled so that they read back the same."""

import math
import sys
from decimal import Decimal

LARGEST = sys.float_info.max
UP, DOWN = 1.1, 1 / 1.1  # a1111 and ComfyUI: ( ) and, in a1111, [ ]

WEIGHTINGS = ("a1111", "lerp", "compel", "product")
"""By what rules weights can act on what an encoder answers; `negspace.encoding.weighting` has the rules."""


def number(text: str) -> float | None:
    """The finite number that `text` spells in Python's way, decimal digits of any script; else None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def times(left: float, right: float) -> float:
    """The product of two finite numbers; where it is too large to be told, the largest number of its sign."""
    product = left * right
    return product if math.isfinite(product) else math.copysign(LARGEST, product)


def power(base: float, exponent: int) -> float:
    """`base ** exponent` for a positive base, at most the largest number."""
    try:
        return base**exponent
    except OverflowError:
        return LARGEST


def spell(weight: float) -> str:
    """The shortest digits that read back as `weight`, never with an exponent, which a1111 cannot read."""
    return format(Decimal(repr(weight)), "f")


def looks_numeric(text: str) -> bool:
    """Whether someone who wrote `text` after a colon must have meant a number."""
    text = text.strip()
    return bool(text) and all(sign in "+-." or sign.isdecimal() for sign in text)
