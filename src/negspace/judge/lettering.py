"""Lines of text in a picture, and what kind of mark each is, told by rules."""

import re
from dataclasses import dataclass
from math import atan2, degrees, exp
from typing import Final

from negspace.records import Box

Point = tuple[float, float]
"""(x, y) as shares of the width and the height of a picture."""

LEAST_LETTERS: Final = 3
"""Different letters or digits that a line must have. Textures are read as "0000" and "AAAA"."""

WEIGHTS: Final = (-10.7, 9.9, 8.4)
"""(bias, of the detector's score, of the reader's score): log odds that a line is text. By
`python -m bench.real_pictures --fit` from photographs that no figure is measured on."""

GARBLED_BELOW: Final = 0.9
"""Lines that are read with less certainty than this are no words."""

_USERNAME: Final = re.compile(r"(?<![\w.])@\w")
_ADDRESS: Final = re.compile(
    r"www\W|https?\W|\w\.(?:com|org|net|io|art|app|dev|info|co|de|fr|jp|ru|cn|uk|eu)\b", re.IGNORECASE
)
_OWNERSHIP: Final = re.compile(
    r"©|\(c\)|copyright|all rights|watermark|do not copy|preview|sample|stock|getty|alamy|dreamstime",
    re.IGNORECASE,
)

_SLANTED: Final = (8.0, 82.0)  # degrees between the horizontal and the vertical that no ordinary line has
_SIGNATURE_LETTERS: Final = 24
_SIGNATURE_HEIGHT: Final = 0.1
_EDGE: Final = 0.15


@dataclass(frozen=True)
class TextLine:
    """A line of text that was detected and read.

    Attributes:
        words: as they were read; "" where nothing could be.
        reading: how certain the reader is of them, 0 to 1.
        detection: how certain the detector is that this is text, 0 to 1.
        corners: of the line, from its upper left clockwise.
    """

    words: str
    reading: float
    detection: float
    corners: tuple[Point, Point, Point, Point]

    @property
    def probability(self) -> float:
        """That this is lettering at all, whether it makes sense or not; 0 with too few different letters."""
        letters = {letter for letter in self.words.casefold() if letter.isalnum()}
        if len(letters) < LEAST_LETTERS:
            return 0.0
        bias, of_detection, of_reading = WEIGHTS
        return 1 / (1 + exp(-(bias + of_detection * self.detection + of_reading * self.reading)))

    @property
    def box(self) -> Box:
        """(left, top, right, bottom) around it."""
        across, down = zip(*self.corners, strict=True)
        return min(across), min(down), max(across), max(down)

    @property
    def slant(self) -> float:
        """Degrees that it is off the horizontal, 0 to 90."""
        (left, top), (right, bottom) = self.corners[:2]
        turned = abs(degrees(atan2(bottom - top, right - left))) % 180
        return min(turned, 180 - turned)


def is_text(line: TextLine) -> bool:
    """Every line is text."""
    return True


def is_gibberish(line: TextLine) -> bool:
    """Letters that make no words: the detector sees text, and the reader is at a loss."""
    return line.reading < GARBLED_BELOW


def is_username(line: TextLine) -> bool:
    """@name."""
    return _USERNAME.search(line.words) is not None


def is_address(line: TextLine) -> bool:
    """www, http, or a name with a usual ending."""
    return _ADDRESS.search(line.words) is not None


def is_watermark(line: TextLine) -> bool:
    """A claim of ownership, an address, or a line across the picture at a slant."""
    across = _SLANTED[0] <= line.slant <= _SLANTED[1]
    return across or is_address(line) or _OWNERSHIP.search(line.words) is not None


def is_signature(line: TextLine) -> bool:
    """A short, low, level line at the upper or lower edge that is nothing else of these."""
    _, top, _, bottom = line.box
    at_edge = bottom <= _EDGE or top >= 1 - _EDGE
    short = len(line.words) <= _SIGNATURE_LETTERS and bottom - top <= _SIGNATURE_HEIGHT
    return at_edge and short and not (is_watermark(line) or is_username(line))
