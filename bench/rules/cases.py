"""What is wished and avoided: twelve concepts of the drawn world, and a word without effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from bench.embedded import Wish, wishes
from training.world import table

PLACEBO = "teapot"
PROMPTS = 4
"""Prompts a concept; seeds are shared out among them, so that variety is among pictures of one prompt."""


@dataclass(frozen=True)
class Case:
    """One picture to make: a wish and what is avoided.

    Attributes:
        avoid: None for the twin of a placebo: the same wish and seed with nothing avoided.
    """

    concept: str
    avoid: str | None
    wish: Wish

    @property
    def real(self) -> bool:
        """Whether what is avoided could be in the picture at all."""
        return self.concept != PLACEBO

    @property
    def placebo(self) -> bool:
        """Whether a word without effect is avoided."""
        return not self.real and self.avoid is not None


def cases(seeds: int, seed: int) -> list[Case]:
    """Every concept with so many seeds, then the placebo and its twin.

    Seed by seed, so that the cases of fewer seeds are the first ones of more.
    """
    concepts = [(c.name, c.words[0], c.only, seed) for c in (*table.of("defect"), *table.of("accessory"))]
    rows = [_of(*one, seeds) for one in (*concepts, (PLACEBO, PLACEBO, ("house",), seed + 1))]
    rows.append([replace(case, avoid=None) for case in rows[-1]])
    return [case for together in zip(*rows, strict=True) for case in together]


def _of(name: str, avoid: str, only: Sequence[str], seed: int, seeds: int) -> list[Case]:
    asked = wishes(PROMPTS, Random(f"{name} {seed}").getrandbits(30), only)
    rng = Random(seed)
    return [Case(name, avoid, replace(asked[i % PROMPTS], seed=rng.getrandbits(40))) for i in range(seeds)]
