"""ScoringJudge: a judge that gives each concept a score, and sees it from a threshold on."""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negspace.avoid.matching import phrase
from negspace.errors import JudgeError
from negspace.judge.base import Judge, Picture, unknown
from negspace.judge.calibration import (
    LEAST_EXAMPLES,
    Calibration,
    ConceptThreshold,
    choose_threshold,
    split_examples,
    with_rates,
)
from negspace.records import JudgeVerdict


class ScoringJudge(Judge):
    """What judges with scores have in common: thresholds and their calibration.

    A subclass gives the scores, and the cut of a concept that nobody calibrated.
    """

    calibration: Calibration | None
    """Thresholds set from examples; None where there are none."""

    @abstractmethod
    def observe(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        """[pictures, d]: all that its scores are made of, whatever the concept."""

    @abstractmethod
    def scores(
        self, observed: NDArray[np.float64], concept: str, cut: ConceptThreshold
    ) -> NDArray[np.float64]:
        """[pictures]: the more, the more likely the concept is there.

        Args:
            observed: as from `observe`.
            concept: its name.
            cut: how it is looked for.
        """

    @abstractmethod
    def default_threshold(self, concept: str) -> ConceptThreshold:
        """How a concept is looked for where nobody calibrated it. Only for concepts that it knows."""

    @abstractmethod
    def weights(self) -> str:
        """sha256 of what the scores depend on, in hex."""

    def trained(
        self, cut: ConceptThreshold, present: NDArray[np.float64], absent: NDArray[np.float64]
    ) -> ConceptThreshold:
        """The cut after seeing examples; a judge that cannot learn leaves it as it is."""
        return cut

    def concepts(self) -> tuple[str, ...]:
        return tuple(self.calibration.concepts) if self.calibration else ()

    def knows(self, concept: str) -> bool:
        return self.calibrated_threshold(concept) is not None

    def calibrated_threshold(self, concept: str) -> ConceptThreshold | None:
        """The calibrated cut of a concept, in any of its words; None where there is none."""
        key = phrase(concept)
        for name, one in self.calibration.concepts.items() if self.calibration else ():
            if key in (phrase(name), *map(phrase, one.also)):
                return one
        return None

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        cuts = {
            name: self.calibrated_threshold(name) or self.default_threshold(name)
            for name in concepts
            if self.knows(name)
        }
        if not cuts or not pictures:
            return [self._verdicts(concepts, {}, {}) for _ in pictures]
        observed = self.observe(pictures)
        scores = {name: self.scores(observed, name, cut).tolist() for name, cut in cuts.items()}
        return [
            self._verdicts(concepts, cuts, {name: column[row] for name, column in scores.items()})
            for row in range(len(pictures))
        ]

    def fingerprint(self) -> str:
        said = self.calibration.to_json() if self.calibration else ""
        return hashlib.sha256(f"{self.weights()}{said}".encode()).hexdigest()

    def calibrate(
        self,
        concept: str,
        cut: ConceptThreshold,
        present: NDArray[np.float64],
        absent: NDArray[np.float64],
        catch: float | None = None,
        margin: float = 0.0,
    ) -> ConceptThreshold:
        """The cut of a concept as examples with and without it have it.

        Args:
            concept: its name.
            cut: how it is looked for; its threshold does not matter.
            present, absent: pictures with it and without, as observed, twelve each at least. Neighbours
            should
                not be alike, for they are shared out in turns.
            catch: as in `threshold`.
            margin: how much lower than that the threshold is, where what is judged may be unlike any example.

        Raises:
            JudgeError: there are too few.
        """
        for kind, examples in (("with", present), ("without", absent)):
            if len(examples) < LEAST_EXAMPLES:
                told = f"{len(examples)} pictures {kind} {concept!r} are too few"
                raise JudgeError(f"{told}: {LEAST_EXAMPLES} are needed, some hundreds are better")
        there, not_there = split_examples(present), split_examples(absent)
        taught = self.trained(cut, there[0], not_there[0])
        choose, test = (
            tuple(self.scores(examples[part], concept, taught) for examples in (there, not_there))
            for part in (1, 2)
        )
        chosen = taught.model_copy(
            update={"threshold": choose_threshold(choose[0], choose[1], catch) - margin}
        )
        return with_rates(chosen, test[0], test[1])

    def _verdicts(
        self, concepts: Sequence[str], cuts: Mapping[str, ConceptThreshold], scores: Mapping[str, float]
    ) -> tuple[JudgeVerdict, ...]:
        return tuple(
            self._verdict(name, cuts[name], scores[name])
            if name in cuts
            else unknown(name, self.name, "it does not know what that looks like")
            for name in concepts
        )

    def _verdict(self, concept: str, cut: ConceptThreshold, score: float) -> JudgeVerdict:
        if not np.isfinite(score):
            return unknown(concept, self.name, "its score is no number")
        return JudgeVerdict(
            concept=concept,
            judge=self.name,
            verdict="seen" if score >= cut.threshold else "absent",
            score=round(score, 6),
            threshold=cut.threshold,
            unit=cut.unit,
            calibrated=cut.caught is not None,
        )


def checked_calibration(calibration: Calibration | None, kind: str, weights: str) -> Calibration | None:
    """The calibration, if it was made for this judge.

    Raises:
        JudgeError: it was made for another one.
    """
    if calibration is None:
        return None
    if calibration.judge != kind:
        raise JudgeError(f"the calibration is for the judge {calibration.judge}, not for {kind}")
    if calibration.made_for != weights:
        told = f"the calibration was made for weights {calibration.made_for[:12]}, these are {weights[:12]}"
        raise JudgeError(f"{told}; calibrate anew, its thresholds mean nothing here")
    return calibration


def logistic(
    features: NDArray[np.float64], truth: NDArray[np.bool_], prior: NDArray[Any]
) -> NDArray[np.float64]:
    """Weights of a ridge logistic regression whose penalty |w - prior|^2 / 2 pulls towards `prior`, not to 0.

    With few examples the prior stands, with many they speak. Newton's method, steps halved until they help;
    a column of ones for the bias is the caller's, and the last column goes without penalty.

    Args:
        features: [n, d].
        truth: [n].
        prior: [d].
    """
    weights = np.asarray(prior, float).copy()
    penalty = np.ones(len(weights))
    penalty[-1] = 1e-3

    def loss(at: NDArray[Any]) -> float:
        odds = features @ at
        return float((np.logaddexp(0, odds) - truth * odds).sum() + (penalty * (at - prior) ** 2).sum() / 2)

    for _ in range(100):
        share = (1 + np.tanh(features @ weights / 2)) / 2
        slope = features.T @ (share - truth) + penalty * (weights - prior)
        curve = (features * (share * (1 - share))[:, None]).T @ features + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-9:
            step /= 2
        weights -= step
        if np.abs(step).max() < 1e-6:
            break
    return weights
