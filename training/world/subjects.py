"""The twelve subjects, each drawn around (0, 0) with its foot near y = 20, 40 units tall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin

from training.world.pen import Colour, Pen, Point, mix
from training.world.scene import Scene

_WHITE: Colour = (246, 244, 238)
_BLACK: Colour = (28, 26, 32)


@dataclass(frozen=True)
class Brush:
    """A pen moved to the subject's place: all of its coordinates are the subject's own."""

    pen: Pen
    x: float
    y: float
    size: float

    def _at(self, points: Sequence[Point]) -> list[Point]:
        return [(self.x + px * self.size, self.y + py * self.size) for px, py in points]

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self.pen.polygon(self._at(points), colour)

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        ((cx, cy),) = self._at([(x, y)])
        self.pen.ellipse(cx, cy, rx * self.size, ry * self.size, colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        self.pen.line(self._at(points), width * self.size, colour)

    def finger(self, x: float, y: float, angle: float, length: float, width: float, colour: Colour) -> None:
        ((cx, cy),) = self._at([(x, y)])
        self.pen.finger(cx, cy, angle, length * self.size, width * self.size, colour)


def draw(pen: Pen, scene: Scene, colour: Colour) -> None:
    """The scene's subject with its accessory, in its main colour."""
    _SUBJECTS[scene.subject](Brush(pen, scene.x, scene.y, scene.size), scene, colour)


def _house(b: Brush, scene: Scene, c: Colour) -> None:
    b.rectangle(7, -15, 11, -6, (124, 84, 70))
    if scene.accessory == "smoke":
        for x, y, r in ((9.5, -18, 2.3), (12.5, -22, 3.0), (16.5, -26.5, 3.7)):
            b.ellipse(x, y, r, r, (206, 206, 210))
    b.rectangle(-14, -3, 14, 18, c)
    b.polygon([(-17.5, -2), (0, -16), (17.5, -2)], (116, 74, 58))
    b.rectangle(-3.2, 7, 3.2, 18, (92, 60, 48))
    glass: Colour = (255, 226, 120) if scene.night else (206, 228, 240)
    for x in (-10.5, 5.5):
        b.rectangle(x, 2.5, x + 5, 8.5, glass)


def _tree(b: Brush, scene: Scene, c: Colour) -> None:
    b.polygon([(-2.6, 2), (2.6, 2), (3.8, 20), (-3.8, 20)], (116, 82, 58))
    dark = mix(c, (0, 0, 0), 0.16)
    for x, y, r in ((-8, -3, 8.5), (8, -3, 8.5), (0, -11, 10)):
        b.ellipse(x, y, r, r, dark)
    for x, y, r in ((-6, -5, 7), (6, -5, 7), (0, -12, 8), (0, -3, 7)):
        b.ellipse(x, y, r, r, c) if not b.pen.outline else None
    for x, y in ((-6, -7), (4, -13), (7, -2), (-2, -2)):
        b.ellipse(x, y, 1.1, 1.1, mix(c, _WHITE, 0.35))


def _cat(b: Brush, scene: Scene, c: Colour) -> None:
    dark = mix(c, (0, 0, 0), 0.2)
    b.line([(8, 17), (15, 15), (17, 8), (15, 2)], 3.4, dark)
    b.polygon([(-9, 19), (-8, 4), (-4, -3), (4, -3), (8, 4), (10, 19)], c)
    b.polygon([(-9.5, -9), (-9.5, -21), (-2, -15)], dark)
    b.polygon([(9.5, -9), (9.5, -21), (2, -15)], dark)
    b.ellipse(0, -8.5, 10, 8.5, c)
    if scene.accessory == "collar":
        b.polygon([(-7, -2.4), (7, -2.4), (7.4, 1.6), (-7.4, 1.6)], _WHITE)
        b.ellipse(0, 2.2, 2.1, 2.1, (240, 190, 50))
    for x in (-4, 4):
        b.ellipse(x, -9.5, 2.0, 2.4, (250, 246, 200))
        b.ellipse(x, -9.5, 0.9, 2.0, _BLACK)
    b.polygon([(-1.4, -5.6), (1.4, -5.6), (0, -4)], (60, 30, 40))
    for y in (-5.5, -3.5):
        b.line([(-5, -4.8), (-13, y - 1)], 0.6, _WHITE)
        b.line([(5, -4.8), (13, y - 1)], 0.6, _WHITE)
    b.line([(0, 11), (0, 19)], 0.8, dark)


def _boat(b: Brush, scene: Scene, c: Colour) -> None:
    b.rectangle(-1, -21, 0.8, 8, (104, 76, 56))
    b.polygon([(2, -17), (2, 5), (15, 5)], _WHITE)
    b.polygon([(-2.4, -13), (-2.4, 5), (-12, 5)], mix(_WHITE, (150, 160, 180), 0.35))
    if scene.accessory == "flag":
        b.polygon([(0, -26), (11, -22.5), (0, -19)], _BLACK)
    b.polygon([(-18, 7), (18, 7), (12, 17.5), (-12, 17.5)], c)
    b.polygon([(-18, 7), (18, 7), (17, 9.6), (-17, 9.6)], mix(c, _WHITE, 0.5))


def _snowman(b: Brush, scene: Scene, c: Colour) -> None:
    body = mix((240, 244, 250), c, 0.22)
    b.ellipse(0, 12, 11, 9.5, body)
    b.ellipse(0, -1, 8.2, 7.6, body)
    b.ellipse(0, -12.5, 6.6, 6.4, body)
    for x0, x1 in ((-8, -17), (8, 17)):
        b.line([(x0, -2), (x1, -7)], 1.2, (96, 68, 50))
    b.polygon([(-6.8, -8.6), (6.8, -8.6), (7.4, -4.4), (-7.4, -4.4)], c)
    b.polygon([(2, -5), (6.4, -5), (7, 6), (3, 6)], c)
    for y in (1, 9, 14):
        b.ellipse(-1, y, 1.1, 1.1, _BLACK)
    for x in (-2.4, 2.4):
        b.ellipse(x, -14, 1.0, 1.0, _BLACK)
    b.polygon([(0, -12.6), (6, -11.2), (0, -10.4)], (232, 130, 50))
    if scene.accessory == "hat":
        b.rectangle(-5, -26.5, 5, -17.5, _BLACK)
        b.rectangle(-8.6, -18.6, 8.6, -16.2, _BLACK)


def _hand(b: Brush, scene: Scene, c: Colour) -> None:
    others = scene.fingers - 1
    width = min(4.6, 19.5 / others)
    b.rectangle(-5.5, 12, 5.5, 21, mix(c, (0, 0, 0), 0.3))
    b.finger(8.5, 6, 58, 12, 4.6, c)
    spread = min(2 * others, 12) + 3.0 * others
    for i in range(others):
        place = i / (others - 1) - 0.5
        reach = 19 - 7.0 * abs(place)
        b.finger(place * 18 - 0.5, -1, place * spread, reach, width, c)
    b.ellipse(0, 5, 11, 10, c)


def _fish(b: Brush, scene: Scene, c: Colour) -> None:
    dark = mix(c, (0, 0, 0), 0.22)
    b.polygon([(10, 2), (20, -7), (18, 2), (20, 11)], dark)
    b.polygon([(-5, -6), (1, -14), (7, -5)], dark)
    b.ellipse(-2, 2, 15, 9.5, c)
    b.polygon([(0, 4), (6, 10), (7, 3)], dark)
    b.line([(-7, -5), (-5.4, 2), (-7, 9)], 0.9, dark)
    b.ellipse(-11, -0.5, 2.4, 2.4, _WHITE)
    b.ellipse(-11.4, -0.5, 1.2, 1.2, _BLACK)


def _car(b: Brush, scene: Scene, c: Colour) -> None:
    b.polygon([(-11, 4), (-7, -6), (7, -6), (12, 4)], c)
    b.polygon([(-8.4, 3), (-5.6, -4), (-0.8, -4), (-0.8, 3)], (208, 228, 240))
    b.polygon([(1, 3), (1, -4), (6, -4), (9, 3)], (208, 228, 240))
    b.polygon([(-19, 5), (-16, 3.6), (17, 3.6), (19.5, 7), (19.5, 13.5), (-19, 13.5)], c)
    for x in (-10.5, 10.5):
        b.ellipse(x, 14, 5, 5, _BLACK)
        b.ellipse(x, 14, 2.1, 2.1, (190, 190, 196))
    b.ellipse(18, 8, 1.3, 1.5, (255, 240, 160))


def _flower(b: Brush, scene: Scene, c: Colour) -> None:
    green: Colour = (76, 132, 70)
    b.line([(0, -5), (0, 20)], 2.0, green)
    b.polygon([(0, 14), (-9, 7), (-10, 12)], green)
    b.polygon([(0, 11), (9, 4), (10, 9)], green)
    for i in range(6):
        a = i * pi / 3 + pi / 6
        b.ellipse(8.2 * cos(a), -8 + 8.2 * sin(a), 5.6, 5.6, c)
    b.ellipse(0, -8, 4.8, 4.8, (236, 190, 70) if scene.colour != "yellow" else (150, 92, 50))


def _balloon(b: Brush, scene: Scene, c: Colour) -> None:
    for x in (-4.5, 4.5):
        b.line([(x * 2.0, -1), (x * 0.7, 13)], 0.8, (110, 84, 62))
    b.polygon([(-13, -7), (13, -7), (4, 6), (-4, 6)], c)
    b.ellipse(0, -10, 14.5, 13.5, c)
    pale = mix(c, _WHITE, 0.6)
    b.polygon([(-3.4, -23), (3.4, -23), (4.4, -10), (2, 5.5), (-2, 5.5), (-4.4, -10)], pale)
    b.rectangle(-4.4, 12, 4.4, 19, (146, 104, 66))


def _mushroom(b: Brush, scene: Scene, c: Colour) -> None:
    b.polygon([(-4.6, 0), (4.6, 0), (6, 19), (-6, 19)], (238, 226, 202))
    cap = [(17 * cos(pi * t / 12), 2.5 - 19 * sin(pi * t / 12)) for t in range(13)]
    b.polygon(cap, c)
    for x, y, r in ((-9, -5, 2.4), (0, -10.5, 2.8), (9, -5, 2.4), (0.5, -2.2, 1.8)):
        b.ellipse(x, y, r, r * 0.9, _WHITE)


def _star(b: Brush, scene: Scene, c: Colour) -> None:
    points = []
    for i in range(10):
        r, a = (19 if i % 2 == 0 else 8.6), pi * i / 5 - pi / 2
        points.append((r * cos(a), r * sin(a)))
    b.polygon(points, c)
    for x in (-3.2, 3.2):
        b.ellipse(x, -2, 1.4, 1.9, _BLACK)
    b.line([(-3.4, 3), (-1.6, 4.8), (1.6, 4.8), (3.4, 3)], 1.0, _BLACK)


_SUBJECTS = {
    "house": _house,
    "tree": _tree,
    "cat": _cat,
    "boat": _boat,
    "snowman": _snowman,
    "hand": _hand,
    "fish": _fish,
    "car": _car,
    "flower": _flower,
    "balloon": _balloon,
    "mushroom": _mushroom,
    "star": _star,
}
