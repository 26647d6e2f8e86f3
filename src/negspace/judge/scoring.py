"""Judges that give each concept a score, and the calibration of their thresholds."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from negspace.avoid.matching import phrase
from negspace.errors import JudgeError
from negspace.judge.base import Judge, Picture, unknown
from negspace.judge.calibration import (
    LEAST_EXAMPLES,
    Calibration,
    ConceptDetector,
    choose_threshold,
    split_examples,
    with_rates,
)
from negspace.records import JudgeVerdict

Scores = NDArray[np.float64]


class ScoringJudge(Judge):
    """A judge that gives each concept a score; it counts as seen from a threshold on.

    A subclass computes the features of pictures and the scores from them, and says how a concept is detected
    that nobody calibrated. Its constructor sets `calibration` by `fitting`.

    Attributes:
        kind: the name of this kind of judge in calibrations.
        calibration: thresholds set from examples; None where there are none.
    """

    kind: ClassVar[str]
    calibration: Calibration | None

    @abstractmethod
    def observe(self, pictures: Sequence[Picture]) -> Scores:
        """[pictures, d]: the features that all its scores are computed from, whatever the concept."""

    @abstractmethod
    def scores(self, features: Scores, concept: str, detector: ConceptDetector) -> Scores:
        """[pictures]: the higher, the more likely the concept is there.

        Args:
            features: as from `observe`.
            concept: its name.
            detector: how it is detected.
        """

    @abstractmethod
    def default_detector(self, concept: str) -> ConceptDetector:
        """How a concept is detected where nobody calibrated it. Only for concepts that it knows."""

    @abstractmethod
    def weights(self) -> str:
        """sha256 of what the scores depend on, in hex."""

    def trained(self, detector: ConceptDetector, present: Scores, absent: Scores) -> ConceptDetector:
        """The detector after training on features of examples; unchanged where the judge cannot learn."""
        return detector

    @property
    def closed(self) -> bool:
        """Whether it knows the concepts of its calibration alone."""
        return self.calibration is not None and self.calibration.only

    def concepts(self) -> tuple[str, ...]:
        return tuple(self.calibration.concepts) if self.calibration else ()

    def knows(self, concept: str) -> bool:
        return self.calibrated_detector(concept) is not None

    def calibrated_detector(self, concept: str) -> ConceptDetector | None:
        """The calibrated detector of a concept, in any of its words; None where there is none."""
        key = phrase(concept)
        for name, detector in self.calibration.concepts.items() if self.calibration else ():
            if key in (phrase(name), *map(phrase, detector.also)):
                return detector
        return None

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        if not pictures or not any(map(self.knows, concepts)):
            return [self._verdicts(concepts, {}, {}) for _ in pictures]
        return self.decide(self.observe(pictures), concepts)

    def decide(self, features: Scores, concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        """`look`, from features that were observed before."""
        detectors = {name: self.detector(name) for name in concepts if self.knows(name)}
        scores = {name: self.scores(features, name, used).tolist() for name, used in detectors.items()}
        return [
            self._verdicts(concepts, detectors, {name: column[row] for name, column in scores.items()})
            for row in range(len(features))
        ]

    def detector(self, concept: str) -> ConceptDetector:
        """How a concept that it knows is detected."""
        return self.calibrated_detector(concept) or self.default_detector(concept)

    def fingerprint(self) -> str:
        calibration = self.calibration.to_json() if self.calibration else ""
        return hashlib.sha256(f"{self.weights()}{calibration}".encode()).hexdigest()

    def calibrate(
        self,
        concept: str,
        detector: ConceptDetector,
        present: Scores,
        absent: Scores,
        catch: float | None = None,
        margin: float = 0.0,
    ) -> ConceptDetector:
        """The detector of a concept with a threshold and error rates from examples with and without it.

        Args:
            concept: its name.
            detector: how it is detected; its threshold does not matter.
            present, absent: features of pictures with it and without, twelve each at least. Neighbours should
                not be alike, for they are split in turns.
            catch: as in `choose_threshold`.
            margin: how much lower the threshold is than that, where the pictures to judge may be unlike any
                example.

        Raises:
            JudgeError: there are too few.
        """
        for kind, examples in (("with", present), ("without", absent)):
            if len(examples) < LEAST_EXAMPLES:
                problem = f"{len(examples)} pictures {kind} {concept!r} are too few"
                raise JudgeError(f"{problem}: {LEAST_EXAMPLES} are needed, some hundreds are better")
        there, not_there = split_examples(present), split_examples(absent)
        trained = self.trained(detector, there[0], not_there[0])
        choose, test = (
            (self.scores(there[part], concept, trained), self.scores(not_there[part], concept, trained))
            for part in (1, 2)
        )
        chosen = choose_threshold(*choose, catch) - margin
        return with_rates(trained.model_copy(update={"threshold": chosen, "doubtful": None}), *test)

    def fitting(self, calibration: Calibration | None) -> Calibration | None:
        """The calibration, if it was made for this judge.

        Raises:
            JudgeError: it was made for another one.
        """
        if calibration is None:
            return None
        if calibration.judge != self.kind:
            raise JudgeError(f"the calibration is for the judge {calibration.judge}, not for {self.kind}")
        made_for, weights = calibration.made_for, self.weights()
        if made_for != weights:
            problem = f"the calibration was made for weights {made_for[:12]}, these are {weights[:12]}"
            raise JudgeError(f"{problem}; calibrate again, its thresholds mean nothing here")
        return calibration

    def _verdicts(
        self, concepts: Sequence[str], detectors: Mapping[str, ConceptDetector], scores: Mapping[str, float]
    ) -> tuple[JudgeVerdict, ...]:
        return tuple(
            self._verdict(name, detectors[name], scores[name])
            if name in detectors
            else unknown(name, self.name, "it does not know what that looks like")
            for name in concepts
        )

    def _verdict(self, concept: str, detector: ConceptDetector, score: float) -> JudgeVerdict:
        if not np.isfinite(score):
            return unknown(concept, self.name, "its score is no number")
        verdict, why_not = detector.verdict(score)
        return JudgeVerdict(
            concept=concept,
            judge=self.name,
            verdict=verdict,
            why_not=why_not,
            score=round(score, 6),
            threshold=detector.threshold,
            unit=detector.unit,
            calibrated=detector.caught is not None,
        )


class ScoringOpener(ABC):
    """A `JudgeOpener` of judges with thresholds. A calibration may stand behind an @: "quality@mine.json"."""

    def __call__(self, text: str) -> Judge:
        place, _, file = text.partition("@")
        return self.open(place, Calibration.read(Path(file)) if file else None)

    @abstractmethod
    def open(self, text: str, calibration: Calibration | None) -> ScoringJudge:
        """The judge that the text before the @ names; None takes the calibration that comes with it, if any.

        Raises:
            JudgeError: there is none, or the calibration does not fit it.
        """


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
