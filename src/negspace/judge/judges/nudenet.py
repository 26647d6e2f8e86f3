"""NudeNet's detector of body parts, where the user has installed it: `pip install nudenet`.

It is an adapter and no dependency: the files of the package are under the AGPL-3.0, whatever its metadata
says. Nudity is seen where a part that its labels call exposed is found, with the part's box. Known false
alarms: colour charts and planets.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import numpy as np

from negspace.avoid.matching import phrase
from negspace.judge.base import Judge, JudgeOpener, Picture, refuse_text, unknown
from negspace.judge.packages import needed
from negspace.records import Box, JudgeVerdict

THRESHOLD: Final = 0.5

_NAKED: Final = (
    "FEMALE_GENITALIA_EXPOSED",
    "MALE_GENITALIA_EXPOSED",
    "FEMALE_BREAST_EXPOSED",
    "BUTTOCKS_EXPOSED",
    "ANUS_EXPOSED",
)
_LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("nudity", "nude", "naked", "nsfw", "porn", "pornographic"), _NAKED),
    "topless": ("FEMALE_BREAST_EXPOSED",),
    "face": ("FACE_FEMALE", "FACE_MALE"),
    "feet": ("FEET_EXPOSED",),
}
_KNOWN: Final = {phrase(word): labels for word, labels in _LABELS.items()}


@final
class NudeNet(Judge):
    """Looks for naked body parts and faces.

    Raises:
        JudgeError: nudenet is not installed.
    """

    def __init__(self) -> None:
        self.name = "nudenet"
        package = needed("nudenet", "nudenet", "nudenet, whose files are under the AGPL-3.0")
        self._detector = package.NudeDetector()
        self._version = str(getattr(package, "__version__", "unknown"))

    def knows(self, concept: str) -> bool:
        return phrase(concept) in _KNOWN

    def concepts(self) -> tuple[str, ...]:
        return ("nudity", "topless", "face", "feet")

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        return [self._verdicts(picture, concepts) for picture in pictures]

    def fingerprint(self) -> str:
        return f"nudenet {self._version}"

    def _verdicts(self, picture: Picture, concepts: Sequence[str]) -> tuple[JudgeVerdict, ...]:
        parts = self._detector.detect(np.asarray(picture.convert("RGB"))[:, :, ::-1])  # blue first
        return tuple(self._verdict(concept, parts, picture.size) for concept in concepts)

    def _verdict(
        self, concept: str, parts: Sequence[Mapping[str, Any]], size: tuple[int, int]
    ) -> JudgeVerdict:
        if not self.knows(concept):
            return unknown(concept, self.name, "it has no label for that")
        labels = _KNOWN[phrase(concept)]
        named = [part for part in parts if part["class"] in labels]
        seen = [part for part in named if part["score"] >= THRESHOLD]
        return JudgeVerdict(
            concept=concept,
            judge=self.name,
            verdict="seen" if seen else "absent",
            score=round(max((float(part["score"]) for part in named), default=0.0), 6),
            threshold=THRESHOLD,
            unit="probability",
            boxes=tuple(_box(part["box"], size) for part in seen),
        )


def _box(box: Sequence[float], size: tuple[int, int]) -> Box:
    """(left, top, width, height) in pixels as shares, within the picture."""
    left, top, wide, high = map(float, box)
    width, height = size
    sides = (left / width, top / height, (left + wide) / width, (top + high) / height)
    left, top, right, bottom = (min(max(side, 0.0), 1.0) for side in sides)
    return left, top, right, bottom


def _open(text: str) -> NudeNet:
    refuse_text("nudenet", text)
    return NudeNet()


OPENERS: Final[dict[str, JudgeOpener]] = {"nudenet": _open}
