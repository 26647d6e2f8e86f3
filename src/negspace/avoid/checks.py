"""Checks: what is asked for when something avoided may be in the picture all the same."""

from collections.abc import Iterable
from typing import Literal

Check = Literal["none", "flag", "retry", "block"]
CHECKS: tuple[Check, ...] = ("none", "flag", "retry", "block")
"""From the mildest to the strictest."""

Unchecked = Literal["refuse", "deliver"]
"""What happens to a block that no judge at hand can look for."""


def strictest(checks: Iterable[Check]) -> Check:
    """The strictest of several checks."""
    return max(checks, key=CHECKS.index)
