"""A pen over a Pillow canvas: coordinates on a side of 64, drawn larger and scaled down for smooth edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with that share of `b` in it."""
    return tuple(round(p + (q - p) * share) for p, q in zip(a, b, strict=True))  # type: ignore[return-value]


@dataclass(frozen=True)
class Pen:
    """Draws filled shapes. `scale` is pixels per unit, `dim` darkens every colour (night),
    `outline` is the width in units of a black line around each shape (0: none)."""

    draw: ImageDraw.ImageDraw
    scale: float
    dim: float = 1.0
    outline: float = 0.0

    def _fill(self, colour: Colour) -> Colour:
        return mix((16, 18, 40), colour, self.dim)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        xy = [(x * self.scale, y * self.scale) for x, y in points]
        self.draw.polygon(xy, fill=self._fill(colour))
        if self.outline:
            self.draw.line(
                [*xy, xy[0], xy[1]], fill=(12, 12, 16), width=round(self.outline * self.scale), joint="curve"
            )

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """A filled ellipse around (x, y)."""
        box = [(x - rx) * self.scale, (y - ry) * self.scale, (x + rx) * self.scale, (y + ry) * self.scale]
        width = round(self.outline * self.scale) if min(rx, ry) > 1.2 else 0
        self.draw.ellipse(
            box, fill=self._fill(colour), outline=(12, 12, 16) if width else None, width=width or 1
        )

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """A filled upright rectangle."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A line of that width with round joints; never outlined."""
        xy = [(x * self.scale, y * self.scale) for x, y in points]
        self.draw.line(xy, fill=self._fill(colour), width=max(1, round(width * self.scale)), joint="curve")

    def finger(self, x: float, y: float, angle: float, length: float, width: float, colour: Colour) -> None:
        """A rounded stroke from (x, y) at `angle` degrees from upright."""
        a = angle * pi / 180
        tip = (x + length * sin(a), y - length * cos(a))
        if self.outline:
            edge = width + 2 * self.outline
            self._stroke((x, y), tip, edge, (12, 12, 16))
        self._stroke((x, y), tip, width, self._fill(colour))

    def _stroke(self, a: Point, b: Point, width: float, colour: Colour) -> None:
        s, r = self.scale, width / 2
        self.draw.line([a[0] * s, a[1] * s, b[0] * s, b[1] * s], fill=colour, width=round(width * s))
        for x, y in (a, b):
            self.draw.ellipse([(x - r) * s, (y - r) * s, (x + r) * s, (y + r) * s], fill=colour)


def canvas(pixels: int) -> Image.Image:
    """An empty picture of that side."""
    return Image.new("RGB", (pixels, pixels))
