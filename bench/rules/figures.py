"""The figures of a rule, and which rules no other one beats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image

from bench.rules.cases import Case
from bench.rules.seen import Seen
from negspace.judge import Oracle
from training.world import render, sample

_DRAWS = 1000

Figure = tuple[float, float, float]
"""A value with the bootstrap's 95 % over pictures."""


@dataclass(frozen=True)
class Clean:
    """Clean renders of one subject, as the oracle sees them."""

    mean: np.ndarray
    whitening: np.ndarray
    usual: float

    def distance(self, features: np.ndarray) -> float:
        """How far the features of a picture stand off, in units of what other clean renders do."""
        return float(np.linalg.norm((features - self.mean) @ self.whitening)) / self.usual


def clean(oracle: Oracle, subject: str, count: int = 400) -> Clean:
    """What clean renders of a subject look like; half of them say how far off the other half is."""
    rng, pictures = Random(f"clean {subject}"), list[Image.Image]()
    while len(pictures) < count:
        scene = sample(rng)
        if scene.subject == subject and not scene.defects and scene.style is None:
            pictures.append(render(scene, oracle.side))
    features = oracle.features(pictures).float().numpy().astype(np.float64)
    fitted, held = features[: count // 2], features[count // 2 :]
    mean = fitted.mean(0)
    spread, axes = np.linalg.eigh(np.cov(fitted.T))
    floor = spread.mean() * 0.1  # fewer renders than would fix the small directions
    whitening = axes / np.sqrt(np.maximum(spread, 0) + floor)
    usual = float(np.linalg.norm((held - mean) @ whitening, axis=1).mean())
    return Clean(mean, whitening, usual)


@dataclass(frozen=True)
class Line:
    """One rule: its figures by name, and leak and damage of each picture."""

    rule: str
    figures: Mapping[str, Figure]
    leak: np.ndarray
    damage: np.ndarray

    @property
    def point(self) -> tuple[float, float]:
        """(leak, damage)."""
        return self.figures["leak"][0], self.figures["damage"][0]

    def beats(self, other: Line) -> bool:
        """Whether, on the pictures of both, it leaks no more and damages no more, and one of them less."""
        count = min(len(self.leak), len(other.leak))
        pairs = [
            (mine[:count].mean(), its[:count].mean())
            for mine, its in ((self.leak, other.leak), (self.damage, other.damage))
        ]
        return all(mine <= its for mine, its in pairs) and any(mine < its for mine, its in pairs)


def line(rule: str, asked: Sequence[Case], seen: Seen, bare: Seen, renders: Mapping[str, Clean]) -> Line:
    """The figures of a rule against no negative on the same seeds."""
    real = np.array([case.real for case in asked])
    placebo = np.array([case.placebo for case in asked])
    damage = np.array(
        [renders[c.wish.subject].distance(f) for c, f in zip(asked, seen.features, strict=True)]
    )
    columns = {
        "leak": seen.there[real],
        "harm": 100.0 * (bare.right.astype(float) - seen.right)[real],
        "caused": 100.0 * (seen.there & ~bare.there)[real],
        "damage": damage[real],
        "variety": _variety(asked, seen.features)[real],
        "placebo": 100.0 * (seen.attributes[placebo] != seen.attributes[~real & ~placebo]).any(1),
        "cost": seen.cost[real],
    }
    figures = {name: interval(values) for name, values in columns.items()}
    return Line(rule, figures, columns["leak"], columns["damage"])


def _variety(asked: Sequence[Case], features: np.ndarray) -> np.ndarray:
    """[n] the mean cosine distance of each picture to the others of its prompt."""
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    groups: dict[tuple[str, str], list[int]] = {}
    for index, case in enumerate(asked):
        groups.setdefault((case.concept, case.wish.prompt), []).append(index)
    found = np.zeros(len(asked))
    for indices in groups.values():
        alike = units[indices] @ units[indices].T
        found[indices] = 1 - (alike.sum(1) - 1) / max(len(indices) - 1, 1)
    return found


def interval(values: np.ndarray) -> Figure:
    """The mean with the bootstrap's 95 %."""
    means = values[_drawn(len(values))].mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(values.mean()), float(low), float(high)


def beaten(ours: Line, by: Line) -> float:
    """The share of bootstrap draws, the same pictures for both, in which `by` leaks and damages no more."""
    drawn = _drawn(min(len(ours.leak), len(by.leak)))
    no_more = [
        by_values[drawn].mean(1) <= values[drawn].mean(1)
        for by_values, values in ((by.leak, ours.leak), (by.damage, ours.damage))
    ]
    return float(np.logical_and(*no_more).mean())


def _drawn(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(count, size=(_DRAWS, count))


def front(lines: Iterable[Line]) -> list[str]:
    """The rules that no other one beats in both leak and damage."""
    every = list(lines)
    return [one.rule for one in every if not any(other.beats(one) for other in every)]
