"""Taggers of anime pictures in the layout of WD14: a folder with model.onnx and selected_tags.csv.

The network gives every tag of the list a probability; its makers count a tag from 0.35 on. A concept is known
if a tag is called so: "bad hands" is `bad_hands`. Such taggers were trained on drawings and mean nothing on
photographs.

    negspace check pictures --policy quality-anatomy --judge tagger:wd-swinv2-tagger-v3
"""

import csv
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from negspace.avoid.matching import Phrase, phrase
from negspace.errors import JudgeError
from negspace.judge.base import JudgeOpener, Picture
from negspace.judge.calibration import Calibration, ConceptDetector
from negspace.judge.packages import needed, sha256_of
from negspace.judge.pool import each
from negspace.judge.scoring import Scores, ScoringJudge, ScoringOpener

THRESHOLD: Final = 0.35

_WORDS: Final = {"explicit": ("nsfw", "porn", "explicit sex"), "nude": ("nudity", "naked")}
"""Concepts that the tags call otherwise."""
_PAPER: Final = (255, 255, 255)  # around a picture that is not square, as in training


@final
class Tagger(ScoringJudge):
    """A tagger in a folder.

    Args:
        folder: with model.onnx, [n, h, w, 3] in 0 to 255, blue first, to [n, tags], and selected_tags.csv,
            which has a column `name`.
        calibration: thresholds; None takes 0.35.

    Raises:
        JudgeError: a file is missing or of another layout, or the calibration is for another tagger.
    """

    kind = "tagger"

    def __init__(self, folder: Path | str, calibration: Calibration | None = None) -> None:
        self.folder = Path(folder)
        self.name = f"tagger {self.folder.name}"
        self._model, tags_file = self.folder / "model.onnx", self.folder / "selected_tags.csv"
        self.sha256 = sha256_of([self._model, tags_file])
        self.tags = _tags(tags_file)
        self._columns = _columns(self.tags)
        self._session = _session(self._model)
        self._side = _side(self._session, len(self.tags), self.folder)
        self.calibration = self.fitting(calibration)

    def concepts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*super().concepts(), *(() if self.closed else self.tags))))

    def knows(self, concept: str) -> bool:
        return super().knows(concept) or (not self.closed and phrase(concept) in self._columns)

    def observe(self, pictures: Sequence[Picture]) -> Scores:
        """[n, tags]: probabilities."""
        return np.array(each(self._probabilities, pictures), dtype=float).reshape(-1, len(self.tags))

    def scores(self, features: Scores, concept: str, detector: ConceptDetector) -> Scores:
        keys = map(phrase, (concept, *detector.also))
        return features[:, next(self._columns[key] for key in keys if key in self._columns)]

    def default_detector(self, concept: str) -> ConceptDetector:
        return ConceptDetector(threshold=THRESHOLD, unit="probability")

    def weights(self) -> str:
        return self.sha256

    @cached_property
    def _input(self) -> str:
        return self._session.get_inputs()[0].name

    def _probabilities(self, picture: Picture) -> NDArray[np.float32]:
        return self._session.run(None, {self._input: _square(picture, self._side)})[0][0]


def _square(picture: Picture, side: int) -> NDArray[np.float32]:
    """[1, side, side, 3]: the picture in the middle of a white square, blue first, 0 to 255."""
    edge = max(picture.size)
    paper = Image.new("RGB", (edge, edge), _PAPER)
    paper.paste(picture.convert("RGB"), ((edge - picture.width) // 2, (edge - picture.height) // 2))
    scaled = paper.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(scaled, dtype=np.float32)[None, :, :, ::-1]


def _tags(file: Path) -> tuple[str, ...]:
    """Its tags in the order of the network's outputs, with spaces."""
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    if not rows or not all(row.get("name") for row in rows):
        raise JudgeError(f"{file} is no list of tags: it needs a column `name`")
    return tuple(row["name"].replace("_", " ") for row in rows)


def _columns(tags: Sequence[str]) -> dict[Phrase, int]:
    """The output of the network by the words of a concept."""
    columns = {phrase(tag): index for index, tag in enumerate(tags) if phrase(tag)}
    also = {phrase(word): columns[phrase(tag)] for tag in _WORDS if tag in tags for word in _WORDS[tag]}
    return also | columns


def _session(file: Path) -> Any:
    runtime = needed("onnxruntime", "tagger", "'negspace[judges]'")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1  # pictures share the cores
    try:
        return runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # it raises types of its own without a common base
        raise JudgeError(f"{file} cannot be opened: {' '.join(str(error).split())[:200]}") from None


def _side(session: Any, tags: int, folder: Path) -> int:
    shapes = session.get_inputs()[0].shape, session.get_outputs()[0].shape
    match shapes:
        case [[_, int(height), int(width), 3], [_, outputs]] if height == width and outputs == tags:
            return height
    raise JudgeError(f"{folder} holds no tagger: {shapes[0]} to {shapes[1]} for {tags} tags")


class _Opener(ScoringOpener):
    def open(self, text: str, calibration: Calibration | None) -> Tagger:
        if not text:
            raise JudgeError("name the folder of the tagger: tagger:FOLDER")
        return Tagger(text, calibration)


OPENERS: Final[dict[str, JudgeOpener]] = {"tagger": _Opener()}
