"""`negspace judge calibrate` on a folder of examples, and how calibrations are shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from negspace.cli import show
from negspace.cli.pictures import open_picture, picture_files
from negspace.errors import JudgeError
from negspace.judge.calibration import Calibration, ConceptDetector, Rate
from negspace.judge.intervals import jeffreys
from negspace.judge.scoring import Scores, ScoringJudge

NONE = "none"
"""The subfolder with pictures that show none of the concepts."""

_TOGETHER = 16


@dataclass(frozen=True)
class Calibrated:
    """What became of one concept.

    Attributes:
        concept: the name of its subfolder.
        detector: None where the judge does not know the concept.
    """

    concept: str
    detector: ConceptDetector | None


def calibrate_folder(
    judge: ScoringJudge, folder: Path, before: Calibration, catch: float | None
) -> tuple[Calibration, tuple[Calibrated, ...]]:
    """A calibration from a folder with a subfolder for each concept, called so, and one called `none`.

    A picture in the subfolder of one concept says nothing about another one.

    Raises:
        JudgeError: a subfolder is missing, has too few pictures, or the judge knows none of the concepts.
    """
    absent = folder / NONE
    concepts = sorted(place for place in folder.iterdir() if place.is_dir() and place != absent)
    if not absent.is_dir() or not concepts:
        raise JudgeError(f"{folder} needs a subfolder for each concept, called like it, and one called none")
    if not any(judge.knows(place.name) for place in concepts):
        names = ", ".join(place.name for place in concepts)
        raise JudgeError(f"{judge.name} knows none of {names}; it knows: {', '.join(judge.concepts())}")
    without = observed(judge, absent)
    done: list[Calibrated] = []
    for place in concepts:
        if not judge.knows(place.name):
            done.append(Calibrated(place.name, None))
            continue
        blank = judge.default_detector(place.name)
        detector = judge.calibrate(place.name, blank, observed(judge, place), without, catch)
        before = before.with_concept(place.name, detector)
        done.append(Calibrated(place.name, detector))
    return before, tuple(done)


def observed(judge: ScoringJudge, place: Path) -> Scores:
    """[n, d]: the features of the pictures in a folder, a few in memory at a time.

    Raises:
        JudgeError: there are none, or one of them cannot be read.
    """
    import numpy as np

    files, _ = picture_files([str(place)])
    parts = (files[start : start + _TOGETHER] for start in range(0, len(files), _TOGETHER))
    return np.concatenate([judge.observe(list(map(open_picture, part))) for part in parts])


def show_calibrated(done: Sequence[Calibrated], out: Path) -> None:
    """Each concept with its threshold and error rates, with intervals of Beta."""
    columns = ("concept", "seen from", "caught", "false alarms")
    show.table(columns, [_row(entry.concept, entry.detector) for entry in done if entry.detector is not None])
    for warning in _warnings(done):
        show.line(warning, "yellow")
    show.line(f"written to {out}; intervals are the middle 95 % of Beta (Jeffreys)")


def beta_text(rate: Rate | None) -> str:
    """A rate with its interval of Beta."""
    if rate is None:
        return "not measured"
    low, high = jeffreys(rate.hits, rate.count)
    return f"{rate.share:.1%} [{low:.1%}, {high:.1%}] of {rate.count}"


def _row(concept: str, detector: ConceptDetector) -> tuple[str, ...]:
    threshold = f"{detector.threshold:.4g} {detector.unit}"
    return concept, threshold, beta_text(detector.caught), beta_text(detector.false_alarms)


def _warnings(done: Sequence[Calibrated]) -> Iterator[str]:
    for entry in done:
        if entry.detector is None:
            yield f"{entry.concept}: the judge does not know it; left out"
        elif not entry.detector.distinguishes:
            yield f"{entry.concept}: the judge cannot tell pictures with it from pictures without"
