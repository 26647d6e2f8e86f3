"""The oracle of the drawn world: a small network that reads every attribute of a scene from pixels.

It was trained on rendered scenes only and has never seen a caption, so it judges the embedded model
independently of the text encoder that steers it. Outside the drawn world it means nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, final

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from negspace.avoid.matching import phrase
from negspace.errors import ModelError
from negspace.judge.base import Judge, JudgeOpener, refuse_text, unknown
from negspace.records import JudgeVerdict

_SHIPPED: Final = Path(__file__).parents[2] / "embedded" / "oracle"


@dataclass(frozen=True, slots=True)
class OracleHead:
    """One question to a picture: exactly one of `options` holds (two options for yes or no)."""

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OracleReading:
    """The probabilities that the oracle gives one picture.

    `probabilities` gives, per head, the probability of every option; they sum to 1. A yes-or-no head
    has the options "no" and its own name.
    """

    probabilities: Mapping[str, Mapping[str, float]]

    def best(self, head: str) -> str:
        """The most probable option of a head; KeyError for a head the oracle does not have."""
        options = self.probabilities[head]
        return max(options, key=options.__getitem__)

    def probability(self, concept: str) -> float:
        """The probability that the concept of that name is in the picture; KeyError if the world has none."""
        return self.probabilities[self._head(concept)][concept]

    def has(self, concept: str) -> bool:
        """Whether the concept is more likely there than not, or the most likely of its head."""
        return self.best(self._head(concept)) == concept

    def _head(self, concept: str) -> str:
        for head, options in self.probabilities.items():
            if concept in options and concept != "no":
                return head
        raise KeyError(concept)


class _Block(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm1(self.first(x)))
        return torch.relu(x + self.norm2(self.second(y)))


class OracleNetwork(nn.Module):
    """Pixels [n, 3, h, w] in -1…1 -> one logit per option of every head [n, options].

    The picture is folded 2x2 into channels, then halved between the stages; the last map is read
    both as a mean and as a maximum over the positions.
    """

    def __init__(self, channels: Sequence[int], options: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 12
        for i, width in enumerate(channels):
            stride = 1 if i == 0 else 2
            layers += [
                nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                _Block(width),
            ]
            before = width
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(2 * before, options)

    def features(self, x: Tensor) -> Tensor:
        """[n, 3, h, w] -> [n, 2 * last width]."""
        maps = self.body(nn.functional.pixel_unshuffle(x, 2))
        return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


@final
class Oracle(Judge):
    """Reads pictures of the drawn world. Make one with `Oracle.load()`."""

    def __init__(self, network: OracleNetwork, heads: Sequence[OracleHead], side: int) -> None:
        self.name = "oracle"
        self.network = network.eval().requires_grad_(False)
        self.heads: Final = tuple(heads)
        self.side: Final = side

    @classmethod
    def load(cls, folder: Path | str = _SHIPPED) -> Oracle:
        """The oracle saved in `folder` (`config.json`, `model.safetensors`), the shipped one by default.

        Raises ModelError if the folder holds none.
        """
        folder = Path(folder)
        try:
            config = json.loads((folder / "config.json").read_text())
            weights = load_file(folder / "model.safetensors")
        except (OSError, ValueError) as error:
            raise ModelError(f"no oracle in {folder}: {error}") from error
        heads = [OracleHead(h["name"], tuple(h["options"])) for h in config["heads"]]
        network = OracleNetwork(config["channels"], sum(len(h.options) for h in heads))
        network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
        return cls(network, heads, config["side"])

    def concepts(self) -> tuple[str, ...]:
        """The names of everything it can detect."""
        return tuple(o for h in self.heads for o in h.options if o not in ("no", "plain"))

    def knows(self, concept: str) -> bool:
        return self._named(concept) is not None

    def look(
        self, pictures: Sequence[Image.Image], concepts: Sequence[str]
    ) -> list[tuple[JudgeVerdict, ...]]:
        readings = self.read(pictures)
        return [tuple(self._verdict(reading, concept) for concept in concepts) for reading in readings]

    def fingerprint(self) -> str:
        whole = hashlib.sha256()
        for name, values in self.network.state_dict().items():
            whole.update(name.encode() + values.numpy().tobytes())
        return whole.hexdigest()

    def read(self, pictures: Sequence[Image.Image]) -> list[OracleReading]:
        """One reading a picture; pictures of another size are resized to that of the world."""
        readings: list[OracleReading] = []
        for x in self._batches(pictures):
            readings += self._readings(self.network(x))
        return readings

    def features(self, pictures: Sequence[Image.Image]) -> Tensor:
        """The last features before the heads, float32 [n, d]: a space in which to measure distances."""
        return torch.cat([self.network.features(x) for x in self._batches(pictures)])

    def _named(self, concept: str) -> str | None:
        """The name of a concept in the drawn world; None where there is none."""
        key = phrase(concept)
        return next((name for name in self.concepts() if phrase(name) == key), None)

    def _verdict(self, reading: OracleReading, concept: str) -> JudgeVerdict:
        name = self._named(concept)
        if name is None:
            return unknown(concept, self.name, "the drawn world has no such thing")
        return JudgeVerdict(
            concept=concept,
            judge=self.name,
            verdict="seen" if reading.has(name) else "absent",
            score=round(reading.probability(name), 6),
            unit="probability",
            calibrated=True,
        )

    def _batches(self, pictures: Sequence[Image.Image], size: int = 64) -> Iterator[Tensor]:
        with torch.inference_mode():
            for i in range(0, len(pictures), size):
                yield torch.stack([self._pixels(p) for p in pictures[i : i + size]])

    def _pixels(self, picture: Image.Image) -> Tensor:
        if picture.size != (self.side, self.side):
            picture = picture.resize((self.side, self.side), Image.Resampling.BOX)
        return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1).float() / 127.5 - 1

    def _readings(self, logits: Tensor) -> list[OracleReading]:
        parts = logits.split([len(h.options) for h in self.heads], dim=1)
        shares = [part.softmax(1).tolist() for part in parts]
        return [
            OracleReading(
                MappingProxyType(
                    {
                        head.name: MappingProxyType(dict(zip(head.options, share[i], strict=True)))
                        for head, share in zip(self.heads, shares, strict=True)
                    }
                )
            )
            for i in range(len(logits))
        ]


def _open(text: str) -> Oracle:
    refuse_text("oracle", text)
    return Oracle.load()


OPENERS: Final[dict[str, JudgeOpener]] = {"oracle": _open}
