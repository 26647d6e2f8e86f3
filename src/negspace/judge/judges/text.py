"""Lettering in pictures, by the detector and the reader of PP-OCR that come inside the package rapidocr.

`text` is any lettering, sense or not; the others are kinds of it that rules tell apart (`negspace.judge.
lettering`). The score of a concept is the highest probability of a line of its kind. The reader is asked only
about what the detector marks. Lines with fewer than three different letters are not counted, for textures are
read as such; so "OK" is not seen.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from negspace.avoid.matching import phrase
from negspace.judge.base import JudgeOpener, Picture, refuse_text
from negspace.judge.calibration import Calibration, ConceptDetector
from negspace.judge.lettering import (
    GARBLED_BELOW,
    LEAST_LETTERS,
    WEIGHTS,
    Point,
    TextLine,
    is_address,
    is_gibberish,
    is_signature,
    is_text,
    is_username,
    is_watermark,
)
from negspace.judge.packages import needed, sha256_of
from negspace.judge.pool import each
from negspace.judge.scoring import Scores, ScoringJudge, ScoringOpener
from negspace.records import JudgeVerdict

THRESHOLD: Final = 0.5

_INSTALL: Final = "'negspace[judges]'"
_SHORTER: Final = (736, 1024)
_LONGEST: Final = 2048
"""The sides that the detector sees, in pixels. Small pictures are enlarged, for it misses small letters;
large ones are reduced, for its time grows with the area."""
_SETTINGS: Final = {
    "Global.log_level": "critical",
    "Det.thresh": 0.2,
    "Det.box_thresh": 0.3,
    # Pictures share the cores, so each is looked at by one thread.
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
}
_VERSION: Final = f"lettering 1 {_SHORTER} {_LONGEST} {LEAST_LETTERS} {GARBLED_BELOW} {WEIGHTS}"

_KINDS: Final[dict[str, tuple[Callable[[TextLine], bool], tuple[str, ...]]]] = {
    "text": (is_text, ("lettering", "letters", "words", "writing", "typography", "caption", "subtitles")),
    "watermark": (is_watermark, ("watermarked", "stock watermark", "copyright notice")),
    "signature": (is_signature, ("signed", "artist signature", "autograph")),
    "username": (is_username, ("user name", "artist name", "handle")),
    "web address": (is_address, ("url", "website", "patreon username", "weblink")),
    "gibberish": (
        is_gibberish,
        ("gibberish text", "garbled text", "illegible text", "misspelled text", "malformed letters"),
    ),
}
_NAMES: Final = tuple(_KINDS)
_KNOWN: Final = {phrase(word): name for name, (_, also) in _KINDS.items() for word in (name, *also)}


@final
class LetteringJudge(ScoringJudge):
    """Looks for text, watermarks, signatures, user names, web addresses and gibberish.

    Args:
        calibration: thresholds; None takes one half.

    Raises:
        JudgeError: rapidocr is not installed, or the calibration is for another judge.
    """

    kind = "text"

    def __init__(self, calibration: Calibration | None = None) -> None:
        self.name = "text"
        self._reader = _reader()
        self.calibration = self.fitting(calibration)

    def concepts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*super().concepts(), *(() if self.closed else _NAMES))))

    def knows(self, concept: str) -> bool:
        return super().knows(concept) or (not self.closed and phrase(concept) in _KNOWN)

    def read(self, pictures: Sequence[Picture]) -> list[tuple[TextLine, ...]]:
        """The lines in each picture."""
        return each(self._reader.read, pictures)

    def observe(self, pictures: Sequence[Picture]) -> Scores:
        """[n, kinds]: for each kind the highest probability of a line of it."""
        return _features(self.read(pictures))

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        if not any(map(self.knows, concepts)):
            return self.decide(_features([()] * len(pictures)), concepts)
        lines = self.read(pictures)
        decided = self.decide(_features(lines), concepts)
        return [
            tuple(self._located(verdict, of_picture) for verdict in row)
            for row, of_picture in zip(decided, lines, strict=True)
        ]

    def scores(self, features: Scores, concept: str, detector: ConceptDetector) -> Scores:
        return features[:, _NAMES.index(_kind_of(concept, detector))]

    def default_detector(self, concept: str) -> ConceptDetector:
        return ConceptDetector(threshold=THRESHOLD, unit="probability")

    def weights(self) -> str:
        return hashlib.sha256(f"{self._reader.sha256}{_VERSION}".encode()).hexdigest()

    def _located(self, verdict: JudgeVerdict, lines: Sequence[TextLine]) -> JudgeVerdict:
        """The verdict with the places and the words of the lines that it is about."""
        if verdict.verdict != "seen" or verdict.threshold is None:
            return verdict
        belongs, _ = _KINDS[_kind_of(verdict.concept, self.detector(verdict.concept))]
        least = verdict.threshold
        seen = [line for line in lines if belongs(line) and line.probability >= least]
        words = " / ".join(line.words for line in seen)
        return verdict.model_copy(update={"boxes": tuple(line.box for line in seen), "words": words})


class _Reader:
    """The detector and the reader of PP-OCR, opened once and shared by all threads."""

    def __init__(self) -> None:
        for module in ("onnxruntime", "cv2"):
            needed(module, "text", _INSTALL)
        rapidocr = needed("rapidocr", "text", _INSTALL)
        models = Path(rapidocr.__file__).parent / "models"
        files = {"Det": models / "PP-OCRv6_det_small.onnx", "Rec": models / "PP-OCRv6_rec_small.onnx"}
        self.sha256 = sha256_of(list(files.values()))
        # Its loaders of the parts have no public names; constraints.txt pins the version.
        self._ocr = rapidocr.RapidOCR(params=_SETTINGS | _paths(files))
        self._detector = self._ocr._load_det_model()
        self._recogniser = self._ocr._load_rec_model()
        self._lines_to_read = import_module("rapidocr.ch_ppocr_rec").TextRecInput

    def read(self, picture: Picture) -> tuple[TextLine, ...]:
        """The lines in a picture."""
        width, height = picture.size
        picture = picture.convert("RGB")
        detected = self._detector.session(_detector_input(picture))
        corners, detections = self._detector.postprocess_op(detected, (height, width))
        if len(corners) == 0:
            return ()
        strips = self._ocr.crop_text_regions(np.ascontiguousarray(_bgr(picture)), corners)
        reading = self._recogniser(self._lines_to_read(img=strips, return_word_box=False))
        return tuple(
            TextLine(words.strip(), float(certainty), float(detection), _shares(box, width, height))
            for words, certainty, detection, box in zip(
                reading.txts, reading.scores, detections, corners, strict=True
            )
        )


@cache
def _reader() -> _Reader:
    return _Reader()


def _paths(files: Mapping[str, Path]) -> dict[str, str]:
    """Named files, so that rapidocr never downloads any."""
    return {f"{part}.model_path": str(file) for part, file in files.items()}


def _detector_input(picture: Image.Image) -> NDArray[np.float32]:
    """[1, 3, h, w] in -1 to 1, blue first: the picture scaled to sides that are multiples of 32."""
    shorter = min(max(min(picture.size), _SHORTER[0]), _SHORTER[1])
    scale = min(shorter / min(picture.size), _LONGEST / max(picture.size))
    width, height = (max(32, round(side * scale / 32) * 32) for side in picture.size)
    scaled = picture.resize((width, height), Image.Resampling.BILINEAR)
    levels = _bgr(scaled).transpose(2, 0, 1)[None].astype(np.float32)
    levels /= 127.5
    levels -= 1.0
    return levels


def _bgr(picture: Image.Image) -> NDArray[np.uint8]:
    """[h, w, 3]: PP-OCR reads blue, green, red."""
    return np.asarray(picture)[:, :, ::-1]


def _shares(box: NDArray[Any], width: int, height: int) -> tuple[Point, Point, Point, Point]:
    upper_left, upper_right, lower_right, lower_left = ((float(x) / width, float(y) / height) for x, y in box)
    return upper_left, upper_right, lower_right, lower_left


def _features(lines: Sequence[Sequence[TextLine]]) -> Scores:
    rows = [
        [
            max((line.probability for line in row if belongs(line)), default=0.0)
            for belongs, _ in _KINDS.values()
        ]
        for row in lines
    ]
    return np.array(rows).reshape(-1, len(_KINDS))


def _kind_of(concept: str, detector: ConceptDetector) -> str:
    return next(_KNOWN[key] for key in map(phrase, (concept, *detector.also)) if key in _KNOWN)


class _Opener(ScoringOpener):
    def open(self, text: str, calibration: Calibration | None) -> LetteringJudge:
        refuse_text("text", text)
        return LetteringJudge(calibration)


OPENERS: Final[dict[str, JudgeOpener]] = {"text": _Opener()}
