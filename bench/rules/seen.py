"""Pictures of a rule as the oracle reads them, and where that is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import reduce
from hashlib import sha256
from pathlib import Path

import numpy as np

import negspace
from bench.rules.cases import Case
from negspace.guidance import make, write
from negspace.judge import Oracle

_BATCH = 32
_SAVED = 8 * _BATCH
"""Pictures after which what was seen is kept."""


@dataclass(frozen=True)
class Seen:
    """What was seen of the pictures of one rule, in the order of the cases.

    Attributes:
        there: whether the avoided thing is in the picture.
        right: whether subject, colour and place are all as wished.
        attributes: [n, heads] the oracle's answers, one number a head.
        features: [n, width] of the oracle.
        cost: evaluations a step.
    """

    there: np.ndarray
    right: np.ndarray
    attributes: np.ndarray
    features: np.ndarray
    cost: np.ndarray

    def __add__(self, more: Seen) -> Seen:
        return Seen(*(np.concatenate((a, b)) for a, b in zip(self._columns(), more._columns(), strict=True)))

    def __len__(self) -> int:
        return len(self.there)

    def first(self, count: int) -> Seen:
        """What was seen of the first so many."""
        return Seen(*(column[:count] for column in self._columns()))

    def _columns(self) -> list[np.ndarray]:
        return [getattr(self, one.name) for one in fields(self)]


@dataclass(frozen=True)
class Studio:
    """Makes pictures by a rule and has them read.

    Attributes:
        steps: of every picture.
        store: folder in which what was seen is kept, a file a rule.
    """

    model: negspace.Model
    oracle: Oracle
    steps: int
    store: Path

    def make(self, rule: str | None, asked: Sequence[Case]) -> None:
        """Make and keep what is not kept yet of these cases by a rule (None: with no negative at all)."""
        file, kept = self._file(rule, asked), self.kept(rule, asked)
        parts = [kept] if kept else []
        for start in range(len(kept) if kept else 0, len(asked), _SAVED):
            parts.append(self._look(rule, asked[start : start + _SAVED]))
            partial = file.with_suffix(".partial.npz")
            np.savez(partial, **reduce(Seen.__add__, parts).__dict__)
            partial.replace(file)

    def kept(self, rule: str | None, asked: Sequence[Case]) -> Seen | None:
        """What is kept of these cases, of the first ones at least; None where nothing is."""
        file = self._file(rule, asked)
        return Seen(**np.load(file)).first(len(asked)) if file.exists() else None

    def _file(self, rule: str | None, asked: Sequence[Case]) -> Path:
        """Named for the rule with all its settings, so that another default is another file."""
        first = {case.concept: case for case in reversed(asked)}
        kind = type(make(rule)) if rule else None
        settings = [one.name for one in kind.settings()] if kind else []
        whole = write(make(rule), settings) if rule else "none"
        mark = sha256(f"{whole} {rule} {first} {self.steps}".encode()).hexdigest()[:8]
        name = "".join(letter if letter.isalnum() else "-" for letter in rule or "none")
        return self.store / f"{name[:60]}-{mark}.npz"

    def _look(self, rule: str | None, asked: Sequence[Case]) -> Seen:
        parts = [self._batch(rule, asked[i : i + _BATCH]) for i in range(0, len(asked), _BATCH)]
        return reduce(Seen.__add__, parts)

    def _batch(self, rule: str | None, asked: Sequence[Case]) -> Seen:
        requests = [
            negspace.Request(
                prompt=case.wish.prompt,
                avoid=case.avoid if rule else None,
                rule=rule,
                seed=case.wish.seed,
                steps=self.steps,
            )
            for case in asked
        ]
        results = self.model.generate_all(requests)
        pictures = [result.images[0] for result in results]
        readings = self.oracle.read(pictures)
        # Of what is no hand the head for fingers says nothing.
        heads = [head for head in self.oracle.heads if head.name != "fingers"]
        wished = ("subject", "colour", "place")
        pairs = list(zip(asked, readings, strict=True))
        return Seen(
            there=np.array([case.real and reading.has(case.concept) for case, reading in pairs]),
            right=np.array(
                [all(r.best(head) == getattr(case.wish, head) for head in wished) for case, r in pairs]
            ),
            attributes=np.array([[h.options.index(r.best(h.name)) for h in heads] for r in readings]),
            features=self.oracle.features(pictures).float().numpy(),
            cost=np.array([sum(r.receipt.evaluations.values()) / r.receipt.steps for r in results]),
        )
