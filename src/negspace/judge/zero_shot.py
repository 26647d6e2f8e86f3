"""ZeroShot: any CLIP or SigLIP folder as a judge. Concepts are told to it in words, thresholds by examples.

CLIP: score = s (cos(picture, present) - cos(picture, absent)), the log odds of the pair; s is the model's
logit scale, both texts are the normalised mean over their prompts (Radford et al. 2021, section 3.1.4).
SigLIP: score = mean over the prompts of s cos(picture, prompt) + b (Zhai et al. 2023). Both are log odds: 0
is a probability of one half.

Absence is what such models are worst at, so an uncalibrated sight says so. Examples teach it a direction of
its own in the shared space: a logistic regression whose prior is the direction of the words.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from negspace.avoid.matching import phrase
from negspace.errors import JudgeError
from negspace.judge.base import Picture
from negspace.judge.calibration import Calibration, ConceptThreshold, View
from negspace.judge.scoring import ScoringJudge, checked_calibration, logistic
from negspace.models.files.fingerprint import fingerprint

KINDS: Final = ("clip", "siglip", "siglip2")
PRESENT: Final = ("a picture of {}", "a picture with {}", "a photo of {}", "{}")
ABSENT: Final = ("a picture", "a photo", "an image", "a picture of something else")
_ROWS: Final = 32


@final
class ZeroShot(ScoringJudge):
    """A CLIP or SigLIP folder in the layout of transformers.

    Args:
        folder: with config.json, model.safetensors, a tokenizer and, where the pictures are not scaled to -1
        to 1,
            preprocessor_config.json.
        calibration: thresholds and directions; None takes default prompts and a probability of one half.
        name: what receipts call it; None is the folder's name.

    Raises:
        JudgeError: there is no such model in the folder, or the calibration is for another one.
    """

    def __init__(
        self, folder: Path | str, calibration: Calibration | None = None, name: str | None = None
    ) -> None:
        self.folder = Path(folder)
        self.name = name or self.folder.name
        self._kind, self._model, self._tokenizer = _opened(self.folder)
        self._seeing = _Seeing.of(self.folder, self._model.config.vision_config.image_size)
        self.calibration = checked_calibration(calibration, "zero_shot", self.weights())
        self._side_of = lru_cache(maxsize=4096)(self._side)

    def knows(self, concept: str) -> bool:
        closed = self.calibration is not None and self.calibration.only
        return super().knows(concept) or (not closed and bool(phrase(concept)))

    def default_threshold(self, concept: str) -> ConceptThreshold:
        present = tuple(prompt.format(concept) for prompt in PRESENT)
        return ConceptThreshold(threshold=0.0, unit="log odds", present=present, absent=ABSENT)

    def weights(self) -> str:
        return fingerprint(self.folder, self.folder.glob("*.safetensors"))

    def scores(
        self, observed: NDArray[np.float64], concept: str, cut: ConceptThreshold
    ) -> NDArray[np.float64]:
        direction, bias = self._reading(cut)
        return observed[:, : len(direction)] @ direction + bias

    def observe(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        """[n, (1 + views) d]: the pictures in the space that they share with texts, of length 1, and behind
        the whole of each the views of the calibration.
        """
        views = self.calibration.views if self.calibration else ()
        parts = [pictures, *([_part(one, view) for one in pictures] for view in views)]
        return np.concatenate([self.features(part) for part in parts], axis=1)

    def features(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        """[n, d]: whole pictures in the space that they share with texts, of length 1."""
        rows: list[Tensor] = []
        with torch.inference_mode():
            for start in range(0, len(pictures), _ROWS):
                pixels = torch.stack([self._seeing.pixels(one) for one in pictures[start : start + _ROWS]])
                rows.append(self._model.get_image_features(pixel_values=pixels).pooler_output)
        return _unit(torch.cat(rows).double().numpy())

    def clip(self) -> Any:
        """The network, a CLIPModel of transformers.

        Raises:
            JudgeError: it is of another kind.
        """
        if self._kind != "clip":
            raise JudgeError(f"{self.folder} is no CLIP, whose text half could be a model's text encoder")
        return self._model

    def trained(
        self, cut: ConceptThreshold, present: NDArray[np.float64], absent: NDArray[np.float64]
    ) -> ConceptThreshold:
        seen = np.concatenate([present, absent])
        truth = np.arange(len(seen)) < len(present)
        mean, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-9
        direction, bias = self._reading(cut.model_copy(update={"direction": (), "bias": 0.0}))
        direction = np.pad(direction, (0, len(mean) - len(direction)))  # words say nothing of views
        prior = np.append(direction * spread, direction @ mean + bias)
        columns = np.column_stack([(seen - mean) / spread, np.ones(len(seen))])
        weights = logistic(columns, truth, prior)
        taught = weights[:-1] / spread
        return cut.model_copy(
            update={
                "direction": tuple(float(f"{value:.6g}") for value in taught),
                "bias": float(f"{weights[-1] - taught @ mean:.6g}"),
                "unit": "log odds",
            }
        )

    def _reading(self, cut: ConceptThreshold) -> tuple[NDArray[np.float64], float]:
        """(direction, bias) such that score = direction . picture + bias."""
        if cut.direction:
            return np.asarray(cut.direction), cut.bias
        scale = float(self._model.logit_scale.exp())
        if self._kind == "clip":
            return scale * (_mean(self._side_of(cut.present)) - _mean(self._side_of(cut.absent))), 0.0
        return scale * self._side_of(cut.present).mean(axis=0), float(self._model.logit_bias)

    def _side(self, prompts: tuple[str, ...]) -> NDArray[np.float64]:
        """[prompts, d], each of length 1."""
        # SigLIP was trained on texts of one length, and reads what fills them up too.
        padding = True if self._kind == "clip" else "max_length"
        ids = self._tokenizer(list(prompts), padding=padding, truncation=True, return_tensors="pt")
        known = {"input_ids": ids["input_ids"]}
        if self._kind == "clip":
            known["attention_mask"] = ids["attention_mask"]
        with torch.inference_mode():
            return _unit(self._model.get_text_features(**known).pooler_output.double().numpy())


@final
class _Seeing:
    """How a picture becomes pixels, as preprocessor_config.json says; -1 to 1 at the model's side without
    one.
    """

    def __init__(
        self, side: int, crop: bool, mean: Sequence[float], spread: Sequence[float], filter: int
    ) -> None:
        self._side, self._crop = side, crop
        self._mean, self._spread = (torch.tensor(mean).view(3, 1, 1), torch.tensor(spread).view(3, 1, 1))
        self._filter = Image.Resampling(filter)

    @classmethod
    def of(cls, folder: Path, side: int) -> "_Seeing":
        told = (
            _json(folder / "preprocessor_config.json")
            if (folder / "preprocessor_config.json").exists()
            else {}
        )
        half = [0.5, 0.5, 0.5]
        return cls(
            side,
            bool(told.get("do_center_crop", False)),
            told.get("image_mean", half),
            told.get("image_std", half),
            int(told.get("resample", Image.Resampling.BICUBIC)),
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


def _opened(folder: Path) -> tuple[str, Any, Any]:
    """(kind, model, tokenizer)."""
    if not (folder / "config.json").is_file():
        raise JudgeError(f"no judge in {folder}: it has no config.json; give a CLIP or SigLIP folder")
    kind = _json(folder / "config.json").get("model_type")
    if kind not in KINDS:
        raise JudgeError(f"{folder} holds a model of type {kind!r}; a judge is of type {', '.join(KINDS)}")
    from transformers import AutoModel, AutoTokenizer
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
    return ("clip" if kind == "clip" else "siglip", model.eval().requires_grad_(False), tokenizer)


def _part(picture: Picture, view: View) -> Picture:
    left, top, right, bottom = view
    width, height = picture.size
    return picture.crop(
        (round(left * width), round(top * height), round(right * width), round(bottom * height))
    )


def _json(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JudgeError(f"{file} cannot be read: {error}") from None
    return told if isinstance(told, dict) else {}


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _mean(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return _unit(rows.mean(axis=0))
