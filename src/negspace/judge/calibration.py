"""Calibrations: the score from which a concept counts as seen, set from examples with and without it.

The examples are split in turns: half of them train a judge that can learn, a quarter chooses the threshold,
and the last quarter measures the error rates. Those examples serve nothing else, so that the rates in a file
are not too good.
"""

import json
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Annotated, Final, Literal, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from negspace.avoid.matching import phrase
from negspace.errors import JudgeError, RequestError
from negspace.files import write_whole
from negspace.frozen import Frozen
from negspace.records import Verdict

Examples = NDArray[np.float64]
"""[n, d]: pictures as a judge observed them."""

LEAST_EXAMPLES: Final = 12
"""With and without a concept, each: fewer say nothing about error rates."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
View = tuple[Share, Share, Share, Share]
"""A part of a picture: left, top, right, bottom."""


class Rate(Frozen):
    """A share of examples with its 95 % interval of Wilson (1927).

    Attributes:
        share: hits / count.
        low, high: the interval.
        count: how many examples.
    """

    share: Share
    low: Share
    high: Share
    count: Annotated[int, Field(ge=1)]

    @classmethod
    def of(cls, hits: int, count: int, confidence: float = 0.95) -> Self:
        """The share of hits among `count`.

        centre = (p + z^2 / 2n) / (1 + z^2 / n), half = z / (1 + z^2 / n) sqrt(p (1 - p) / n + z^2 / 4n^2).
        """
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        share = hits / count
        centre = (share + z * z / (2 * count)) / (1 + z * z / count)
        half = z / (1 + z * z / count) * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
        # What rounding takes from a bound that is exactly 0 or 1 is given back.
        low = 0.0 if hits == 0 else max(centre - half, 0.0)
        high = 1.0 if hits == count else min(centre + half, 1.0)
        return cls(share=share, low=low, high=high, count=count)

    @property
    def hits(self) -> int:
        """How many of the examples."""
        return round(self.share * self.count)

    def __str__(self) -> str:
        return f"{self.share:.1%} [{self.low:.1%}, {self.high:.1%}] of {self.count}"


class ConceptDetector(Frozen):
    """How one concept is detected.

    Attributes:
        threshold: the score from which it counts as seen.
        doubtful: the score from which it is unknown, below the threshold; None where there is no doubt.
        unit: of the score.
        also: other words for the concept.
        present, absent: prompts of pictures with and without it, for a judge that reads text.
        direction, bias: score = direction . features + bias, for a judge that was trained; () where it was
            not. A direction may be shorter than the features: it then reads the first of them.
        caught: share of examples with the concept in which it was seen; None where nobody measured.
        false_alarms: share of examples without it in which it was seen.
    """

    threshold: Annotated[float, Field(allow_inf_nan=False)]
    doubtful: Annotated[float | None, Field(allow_inf_nan=False)] = None
    unit: str = ""
    also: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    direction: tuple[float, ...] = ()
    bias: float = 0.0
    caught: Rate | None = None
    false_alarms: Rate | None = None

    def verdict(self, score: float) -> tuple[Verdict, str | None]:
        """The verdict on a score, and why it is none."""
        if score >= self.threshold:
            return "seen", None
        if self.doubtful is not None and score >= self.doubtful:
            return (
                "unknown",
                f"{score:.2g} lies between {self.doubtful:g} and {self.threshold:g}: look yourself",
            )
        return "absent", None

    @property
    def distinguishes(self) -> bool:
        """Whether its verdicts mean anything: the intervals of both rates do not meet."""
        return (
            self.caught is not None
            and self.false_alarms is not None
            and self.caught.low > self.false_alarms.high
        )


@final
class Calibration(Frozen):
    """The thresholds of one judge.

    Attributes:
        format: version of this layout.
        judge: "zero_shot", "quality", or another's name.
        made_for: sha256 of the weights they were set for; with others they mean nothing.
        made_from: which examples, for people.
        only: whether the judge knows these concepts alone, though it could look for any words.
        views: parts of a picture that are inspected beside the whole, as shares (left, top, right, bottom).
        concepts: by name.
    """

    format: Literal[1] = 1
    judge: str
    made_for: str
    made_from: str = ""
    only: bool = False
    views: tuple[View, ...] = ()
    concepts: dict[str, ConceptDetector] = {}

    @classmethod
    def read(cls, file: Path) -> "Calibration":
        """The calibration in a file.

        Raises:
            JudgeError: there is none, or it cannot be read.
        """
        try:
            return cls.model_validate(json.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise JudgeError(f"the calibration {file} cannot be read: {error.strerror or error}") from None
        except (ValueError, RequestError) as error:
            raise JudgeError(f"{file} is no calibration of a judge: {error}") from None

    def write(self, file: Path) -> None:
        """Write it as JSON.

        Raises:
            OutputError: it cannot be written.
        """
        fields = self.model_dump(mode="json", exclude_defaults=True) | {"format": self.format}
        write_whole({file: f"{json.dumps(fields, indent=1, ensure_ascii=False)}\n".encode()})

    def with_concept(self, concept: str, detector: ConceptDetector) -> "Calibration":
        """The calibration with another detector for a concept."""
        key = phrase(concept)
        kept = {name: known for name, known in self.concepts.items() if phrase(name) != key}
        return self.model_copy(update={"concepts": kept | {concept: detector}})


def split_examples(examples: Examples) -> tuple[Examples, Examples, Examples]:
    """(for training, for the threshold, for the error rates): of four in a row two, one and one."""
    turn = np.arange(len(examples)) % 4
    return examples[turn % 2 == 0], examples[turn == 1], examples[turn == 3]


def choose_threshold(present: ArrayLike, absent: ArrayLike, catch: float | None = None) -> float:
    """The score that separates examples with a concept from those without.

    Args:
        present, absent: scores of both.
        catch: the share of `present` that must count as seen: the highest threshold that does it. None takes
            the threshold with the largest difference of both shares (Youden 1950), half-way to the next score
            below.
    """
    there, not_there = np.sort(np.asarray(present, float)), np.sort(np.asarray(absent, float))
    if catch is not None:
        return float(there[int(np.floor((1 - catch) * len(there) + 1e-9))])
    every = np.unique(np.concatenate([there, not_there]))
    caught = 1 - np.searchsorted(there, every) / len(there)
    alarms = 1 - np.searchsorted(not_there, every) / len(not_there)
    best = int(np.argmax(caught - alarms))
    below = every[max(best - 1, 0)]
    half_way = (below + every[best]) / 2
    # Between neighbouring numbers there is none, and half-way may be the lower one.
    return float(half_way if half_way > below else every[best])


def with_rates(detector: ConceptDetector, present: ArrayLike, absent: ArrayLike) -> ConceptDetector:
    """The detector with its error rates, from scores of examples that were not used to make it."""
    there, not_there = np.asarray(present, float), np.asarray(absent, float)
    return detector.model_copy(
        update={
            "caught": Rate.of(int((there >= detector.threshold).sum()), len(there)),
            "false_alarms": Rate.of(int((not_there >= detector.threshold).sum()), len(not_there)),
        }
    )
