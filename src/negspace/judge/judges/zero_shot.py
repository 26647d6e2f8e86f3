"""Any CLIP or SigLIP folder as a judge: concepts are described in words, thresholds are set from examples.

CLIP: score = s (cos(picture, present) - cos(picture, absent)), the log odds of the pair; s is the model's
logit scale, both texts are the normalised mean over their prompts (Radford et al. 2021, section 3.1.4).
SigLIP: score = mean over the prompts of s cos(picture, prompt) + b (Zhai et al. 2023). Both are log odds: 0
is a probability of one half.

Such models are worst at absence, so a verdict without calibration says that it has none. Examples train a
direction in the shared space for each concept: a logistic regression whose prior is the direction of the
words.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from negspace.avoid.matching import phrase
from negspace.errors import JudgeError
from negspace.judge.base import JudgeOpener, Picture
from negspace.judge.calibration import Calibration, ConceptDetector, View
from negspace.judge.scoring import Scores, ScoringJudge, ScoringOpener, logistic
from negspace.models.files.fingerprint import fingerprint

MODEL_TYPES: Final = ("clip", "siglip", "siglip2")
PRESENT: Final = ("a picture of {}", "a picture with {}", "a photo of {}", "{}")
ABSENT: Final = ("a picture", "a photo", "an image", "a picture of something else")
CALIBRATION_FILE: Final = "negspace-judge.json"
"""The calibration that a folder may contain."""

_ROWS: Final = 32


@final
class ZeroShot(ScoringJudge):
    """A CLIP or SigLIP folder in the layout of transformers.

    Args:
        folder: with config.json, model.safetensors, a tokenizer and, where the pictures are not scaled to -1
            to 1, preprocessor_config.json.
        calibration: thresholds and directions; None takes default prompts and a probability of one half.
        name: its name in receipts; None is the folder's name.

    Raises:
        JudgeError: there is no such model in the folder, or the calibration is for another one.
    """

    kind = "zero_shot"

    def __init__(
        self, folder: Path | str, calibration: Calibration | None = None, name: str | None = None
    ) -> None:
        self.folder = Path(folder)
        self.name = name or self.folder.name
        self._type, self._model, self._tokenizer = _load(self.folder)
        self._preprocessing = _Preprocessing.of(self.folder, self._model.config.vision_config.image_size)
        self.calibration = self.fitting(calibration)
        self._text_features = lru_cache(maxsize=4096)(self._encode_texts)

    def knows(self, concept: str) -> bool:
        return super().knows(concept) or (not self.closed and bool(phrase(concept)))

    def default_detector(self, concept: str) -> ConceptDetector:
        present = tuple(prompt.format(concept) for prompt in PRESENT)
        return ConceptDetector(threshold=0.0, unit="log odds", present=present, absent=ABSENT)

    def weights(self) -> str:
        return fingerprint(self.folder, self.folder.glob("*.safetensors"))

    def scores(self, features: Scores, concept: str, detector: ConceptDetector) -> Scores:
        direction, bias = self._direction(detector)
        return features[:, : len(direction)] @ direction + bias

    def observe(self, pictures: Sequence[Picture]) -> Scores:
        """[n, (1 + views) d]: the pictures in the space that they share with texts, of length 1, and behind
        the whole of each the views of the calibration.
        """
        views = self.calibration.views if self.calibration else ()
        parts = [pictures, *([_crop(picture, view) for picture in pictures] for view in views)]
        return np.concatenate([self.features(part) for part in parts], axis=1)

    def features(self, pictures: Sequence[Picture]) -> Scores:
        """[n, d]: whole pictures in the space that they share with texts, of length 1."""
        rows: list[Tensor] = []
        with torch.inference_mode():
            for start in range(0, len(pictures), _ROWS):
                batch = [self._preprocessing.pixels(picture) for picture in pictures[start : start + _ROWS]]
                rows.append(self._model.get_image_features(pixel_values=torch.stack(batch)).pooler_output)
        return _unit(torch.cat(rows).double().numpy())

    def clip(self) -> Any:
        """The network, a CLIPModel of transformers.

        Raises:
            JudgeError: it is of another kind.
        """
        if self._type != "clip":
            raise JudgeError(f"{self.folder} is no CLIP, whose text half could be a model's text encoder")
        return self._model

    def trained(self, detector: ConceptDetector, present: Scores, absent: Scores) -> ConceptDetector:
        features = np.concatenate([present, absent])
        truth = np.arange(len(features)) < len(present)
        mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
        direction, bias = self._words_direction(detector)
        direction = np.pad(direction, (0, len(mean) - len(direction)))  # words say nothing about views
        prior = np.append(direction * spread, direction @ mean + bias)
        columns = np.column_stack([(features - mean) / spread, np.ones(len(features))])
        weights = logistic(columns, truth, prior)
        learned = weights[:-1] / spread
        return detector.model_copy(
            update={
                "direction": tuple(float(f"{value:.6g}") for value in learned),
                "bias": float(f"{weights[-1] - learned @ mean:.6g}"),
                "unit": "log odds",
            }
        )

    def _direction(self, detector: ConceptDetector) -> tuple[Scores, float]:
        """(direction, bias) such that score = direction . features + bias."""
        if detector.direction:
            return np.asarray(detector.direction), detector.bias
        return self._words_direction(detector)

    def _words_direction(self, detector: ConceptDetector) -> tuple[Scores, float]:
        """The same from the prompts of a detector alone."""
        scale = float(self._model.logit_scale.exp())
        present = self._text_features(detector.present)
        if self._type == "clip":
            return scale * (_mean(present) - _mean(self._text_features(detector.absent))), 0.0
        return scale * present.mean(axis=0), float(self._model.logit_bias)

    def _encode_texts(self, prompts: tuple[str, ...]) -> Scores:
        """[prompts, d], each of length 1."""
        # SigLIP was trained on texts of one length, and reads their padding too.
        padding = True if self._type == "clip" else "max_length"
        ids = self._tokenizer(list(prompts), padding=padding, truncation=True, return_tensors="pt")
        inputs = {"input_ids": ids["input_ids"]}
        if self._type == "clip":
            inputs["attention_mask"] = ids["attention_mask"]
        with torch.inference_mode():
            return _unit(self._model.get_text_features(**inputs).pooler_output.double().numpy())


@final
class _Preprocessing:
    """How a picture becomes pixels, as preprocessor_config.json says; without one they are scaled to -1 to 1
    at the model's own size.
    """

    def __init__(
        self, side: int, crop: bool, mean: Sequence[float], spread: Sequence[float], filter: int
    ) -> None:
        self._side, self._crop = side, crop
        self._mean, self._spread = (torch.tensor(mean).view(3, 1, 1), torch.tensor(spread).view(3, 1, 1))
        self._filter = Image.Resampling(filter)

    @classmethod
    def of(cls, folder: Path, side: int) -> "_Preprocessing":
        file = folder / "preprocessor_config.json"
        config = _json(file) if file.exists() else {}
        half = [0.5, 0.5, 0.5]
        return cls(
            side,
            bool(config.get("do_center_crop", False)),
            config.get("image_mean", half),
            config.get("image_std", half),
            int(config.get("resample", Image.Resampling.BICUBIC)),
        )

    def pixels(self, picture: Picture) -> Tensor:
        """[3, side, side]."""
        picture = picture.convert("RGB")
        if self._crop:
            edge = min(picture.size)
            left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
            picture = picture.crop((left, top, left + edge, top + edge))
        if picture.size != (self._side, self._side):
            picture = picture.resize((self._side, self._side), self._filter)
        values = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
        return (values - self._mean) / self._spread


def _load(folder: Path) -> tuple[str, Any, Any]:
    """("clip" or "siglip", model, tokenizer)."""
    if not (folder / "config.json").is_file():
        raise JudgeError(f"no judge in {folder}: it has no config.json; give a CLIP or SigLIP folder")
    model_type = _json(folder / "config.json").get("model_type")
    if model_type not in MODEL_TYPES:
        types = ", ".join(MODEL_TYPES)
        raise JudgeError(f"{folder} holds a model of type {model_type!r}; a judge is of type {types}")
    from transformers import AutoModel, AutoTokenizer  # a second that other judges do not take
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise JudgeError(
            f"the judge in {folder} cannot be opened: {' '.join(str(error).split())[:200]}"
        ) from None
    finally:
        if shown:
            logging.enable_progress_bar()
    return ("clip" if model_type == "clip" else "siglip", model.eval().requires_grad_(False), tokenizer)


def _crop(picture: Picture, view: View) -> Picture:
    left, top, right, bottom = view
    width, height = picture.size
    return picture.crop(
        (round(left * width), round(top * height), round(right * width), round(bottom * height))
    )


def _json(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JudgeError(f"{file} cannot be read: {error}") from None
    return values if isinstance(values, dict) else {}


def _unit(rows: Scores) -> Scores:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _mean(rows: Scores) -> Scores:
    return _unit(rows.mean(axis=0))


class _Opener(ScoringOpener):
    def open(self, text: str, calibration: Calibration | None) -> ZeroShot:
        own = Path(text) / CALIBRATION_FILE
        if calibration is None and own.exists():
            calibration = Calibration.read(own)
        return ZeroShot(text, calibration)


FOLDER: Final = "folder"
"""The name of judges in a folder. It may be left out: the path of a folder is enough."""

OPENERS: Final[dict[str, JudgeOpener]] = {FOLDER: _Opener()}
