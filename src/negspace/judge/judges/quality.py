"""Classical measures of picture quality that need no weights, each a formula with a unit and a source.

Luma is Y = 0.299 R + 0.587 G + 0.114 B in grey levels, 0 to 255 (ITU-R BT.601). Thresholds are for
photographs of half a megapixel; `negspace judge calibrate --judge quality` sets them for other pictures.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from negspace.avoid.matching import phrase
from negspace.judge.base import JudgeOpener, Picture, refuse_text
from negspace.judge.calibration import Calibration, ConceptDetector
from negspace.judge.pool import each
from negspace.judge.scoring import ScoringJudge, ScoringOpener

PixelValues = NDArray[np.float64]

_FRAME_SPREAD: Final = 3.0
_CLIPPED: Final = 250.0
_DARK: Final = 10.0
_VERSION: Final = "measures 1"


@dataclass(frozen=True)
class Measure:
    """One measure: the more of it, the more of the defect.

    Attributes:
        name: of the measure.
        words: names of the defect it shows.
        unit: of its score.
        source: where the formula is from.
        threshold: the score from which on the defect counts as seen.
        of: [height, width, 3] in grey levels to the score.
    """

    name: str
    words: tuple[str, ...]
    unit: str
    source: str
    threshold: float
    of: Callable[[PixelValues], float]


def luma(rgb: PixelValues) -> PixelValues:
    """[h, w, 3] -> [h, w], grey levels."""
    return rgb @ np.array([0.299, 0.587, 0.114])


def blur(rgb: PixelValues) -> float:
    """max over axes of 1 - sum max(0, |dY| - |dB|) / sum |dY|, where B is Y under a mean of 9 along the axis.

    A picture that blurring hardly changes was blurred before: 0 is sharp, 1 is flat. Crété, Dolmière, Ladret,
    Nicolas, The blur effect (2007), equations 1 to 6.
    """
    grey = luma(rgb)
    return max(_blur_along(grey), _blur_along(grey.T))


def _blur_along(grey: PixelValues) -> float:
    rows = grey.shape[0]
    padded = np.pad(grey, ((4, 4), (0, 0)), mode="edge")
    again = np.mean([padded[k : k + rows] for k in range(9)], axis=0)
    before, after = (np.abs(np.diff(plane, axis=0)) for plane in (grey, again))
    total = before.sum()
    return 1.0 - float(np.maximum(before - after, 0).sum() / total) if total > 0 else 1.0


def noise(rgb: PixelValues) -> float:
    """sigma = sqrt(pi / 2) / (6 n) * sum |Y * N|, N the difference of two Laplacians, over its n places.

    Standard deviation of grain, in grey levels; edges add to it a little. Immerkær, Fast noise variance
    estimation (1996).
    """
    y = luma(rgb)
    down = y[:-2] - 2 * y[1:-1] + y[2:]
    both = down[:, :-2] - 2 * down[:, 1:-1] + down[:, 2:]
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(both).mean()) if both.size else 0.0


def blockiness(rgb: PixelValues) -> float:
    """mean |dY| over the borders of 8x8 blocks / mean |dY| within the blocks, the mean of both directions.

    1 where there are no blocks. After Wang, Sheikh, Bovik, No-reference perceptual quality assessment of JPEG
    compressed images (2002), equations 2 and 3. The blocks are those of the file's own grid: a picture that
    was scaled after its compression hides them.
    """
    grey = luma(rgb)
    ratios = [_block_ratio(np.abs(np.diff(plane, axis=0))) for plane in (grey, grey.T)]
    return float(np.mean(ratios))


def _block_ratio(steps: PixelValues) -> float:
    borders = np.arange(1, len(steps) + 1) % 8 == 0
    if not borders.any() or borders.all():
        return 1.0
    within = steps[~borders].mean()
    return float((steps[borders].mean() + 1.0) / (within + 1.0))  # a flat picture has no blocks


def colourfulness(rgb: PixelValues) -> float:
    """M = sqrt(s_rg^2 + s_yb^2) + 0.3 sqrt(m_rg^2 + m_yb^2), rg = R - G, yb = (R + G) / 2 - B.

    In grey levels; s is the standard deviation, m the mean. Hasler, Süsstrunk, Measuring colourfulness in
    natural images (2003), equation 3.
    """
    red, green, blue = np.moveaxis(rgb, -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def overexposure(rgb: PixelValues) -> float:
    """The share of pixels with Y >= 250: highlights without detail."""
    return float((luma(rgb) >= _CLIPPED).mean())


def underexposure(rgb: PixelValues) -> float:
    """The share of pixels with Y <= 10: shadows without detail."""
    return float((luma(rgb) <= _DARK).mean())


def border(rgb: PixelValues) -> float:
    """The share of the picture that a frame of one colour takes: rows and columns from each edge inward whose
    values stay within a standard deviation of 3 grey levels of their own mean and of the edge's."""
    height, width = rgb.shape[:2]
    top, bottom = _flat_lines(rgb), _flat_lines(rgb[::-1])
    columns = rgb.transpose(1, 0, 2)
    left, right = _flat_lines(columns), _flat_lines(columns[::-1])
    if top >= height or left >= width:
        return 1.0
    # A frame has two opposite sides at least; a plain sky is no frame.
    tall = height - (top + bottom if top and bottom else 0)
    wide = width - (left + right if left and right else 0)
    return 1.0 - (tall * wide) / (height * width)


def _flat_lines(rgb: PixelValues) -> int:
    """How many lines from the first on are one colour, the same for all."""
    edge = rgb[0].mean(axis=0)
    lines = (index for index, line in enumerate(rgb) if ((line - edge) ** 2).mean() > _FRAME_SPREAD**2)
    return next(lines, len(rgb))


def greyness(rgb: PixelValues) -> float:
    """1 - the 95th percentile of (max - min of R, G, B) / 255: 1 is without any colour."""
    red, green, blue = np.moveaxis(rgb, -1, 0)
    most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return 1.0 - float(np.percentile(most - least, 95)) / 255.0


def flatness(rgb: PixelValues) -> float:
    """The share of pixels within 3 grey levels of the median colour: 1 is a blank picture."""
    rows = rgb.reshape(-1, 3)
    near = [np.abs(channel - np.median(channel)) <= _FRAME_SPREAD for channel in rows.T]
    return float((near[0] & near[1] & near[2]).mean())


MEASURES: Final = (
    Measure(
        "sharpness",
        ("blurry", "blurred", "blur", "out of focus", "unsharp", "soft focus"),
        "blur effect, 0 to 1",
        "Crété et al. 2007",
        0.6,
        blur,
    ),
    Measure(
        "noise",
        ("noise", "noisy", "grain", "grainy", "film grain"),
        "grey levels",
        "Immerkær 1996",
        8.0,
        noise,
    ),
    Measure(
        "blockiness",
        ("jpeg artifacts", "compression artifacts", "blocky", "blockiness"),
        "ratio",
        "Wang et al. 2002",
        1.25,
        blockiness,
    ),
    Measure(
        "saturation",
        ("oversaturated", "garish", "oversaturation", "neon colors"),
        "grey levels",
        "Hasler and Süsstrunk 2003",
        110.0,
        colourfulness,
    ),
    Measure(
        "highlights",
        ("overexposed", "overexposure", "too bright", "blown out"),
        "share of pixels",
        "share with luma from 250 on",
        0.25,
        overexposure,
    ),
    Measure(
        "shadows",
        ("underexposed", "underexposure", "too dark", "black image"),
        "share of pixels",
        "share with luma up to 10",
        0.5,
        underexposure,
    ),
    Measure(
        "border",
        ("border", "frame", "borders", "letterbox", "letterboxed", "white border", "black border"),
        "share of the picture",
        "lines of one colour at opposite edges",
        0.03,
        border,
    ),
    Measure(
        "monochrome",
        ("monochrome", "black and white", "greyscale", "desaturated", "colorless"),
        "1 - colour range",
        "95th percentile of max - min of R, G, B",
        0.95,
        greyness,
    ),
    Measure(
        "flatness",
        ("flat colour", "blank image", "blank", "solid colour", "flat color", "solid color", "empty image"),
        "share of pixels",
        "share within 3 grey levels of the median colour",
        0.95,
        flatness,
    ),
)

_KNOWN: Final = {phrase(word): measure for measure in MEASURES for word in measure.words}


@final
class Quality(ScoringJudge):
    """Looks for defects by measures. It needs no weights and knows no objects.

    Args:
        calibration: thresholds; None takes those of the measures.

    Raises:
        JudgeError: the calibration is for another judge.
    """

    kind = "quality"

    def __init__(self, calibration: Calibration | None = None) -> None:
        self.name = "quality"
        self.calibration = self.fitting(calibration)

    def concepts(self) -> tuple[str, ...]:
        own = () if self.closed else tuple(measure.words[0] for measure in MEASURES)
        return tuple(dict.fromkeys((*super().concepts(), *own)))

    def knows(self, concept: str) -> bool:
        return super().knows(concept) or (not self.closed and phrase(concept) in _KNOWN)

    def observe(self, pictures: Sequence[Picture]) -> PixelValues:
        return np.array(each(_measured, pictures)).reshape(-1, len(MEASURES))

    def scores(self, features: PixelValues, concept: str, detector: ConceptDetector) -> PixelValues:
        return features[:, MEASURES.index(_measure(concept, detector))]

    def default_detector(self, concept: str) -> ConceptDetector:
        measure = _KNOWN[phrase(concept)]
        return ConceptDetector(threshold=measure.threshold, unit=measure.unit)

    def weights(self) -> str:
        """sha256 of the version of the formulas: they have no weights."""
        return hashlib.sha256(_VERSION.encode()).hexdigest()


def _measure(concept: str, detector: ConceptDetector) -> Measure:
    return next(_KNOWN[key] for key in map(phrase, (concept, *detector.also)) if key in _KNOWN)


def _measured(picture: Picture) -> list[float]:
    rgb = _levels(picture)
    return [measure.of(rgb) for measure in MEASURES]


def _levels(picture: Picture) -> PixelValues:
    return np.asarray(picture.convert("RGB"), dtype=np.float64)


class _Opener(ScoringOpener):
    def open(self, text: str, calibration: Calibration | None) -> Quality:
        refuse_text("quality", text)
        return Quality(calibration)


OPENERS: Final[dict[str, JudgeOpener]] = {"quality": _Opener()}
