"""Skies and grounds."""

from __future__ import annotations

from random import Random

from PIL import Image

from training.world.pen import Colour, Pen, mix
from training.world.scene import Scene

HORIZON = 42.0
_SNOW: Colour = (238, 242, 248)


def sky(picture: Image.Image, scene: Scene) -> None:
    """A vertical gradient: pale blue by day, deep blue by night, grey when it snows by day."""
    top, low = ((118, 172, 222), (206, 226, 238))
    if scene.snow:
        top, low = (150, 168, 190), (206, 214, 224)
    if scene.night:
        top, low = (14, 18, 48), (44, 52, 96)
    column = Image.new("RGB", (1, 64))
    column.putdata([mix(top, low, min(1.0, y / HORIZON)) for y in range(64)])
    picture.paste(column.resize(picture.size, Image.Resampling.BILINEAR))


def lights(pen: Pen, scene: Scene, rng: Random) -> None:
    """Moon and stars by night, a sun by day unless it snows. Never dimmed."""
    if scene.night:
        for _ in range(9):
            r = rng.uniform(0.4, 0.7)
            pen.ellipse(rng.uniform(2, 62), rng.uniform(2, 24), r, r, (236, 236, 210))
        pen.ellipse(54, 9, 4.6, 4.6, (244, 240, 206))
        pen.ellipse(56, 8, 3.8, 3.8, (22, 26, 60))
    elif not scene.snow:
        pen.ellipse(9, 9, 5, 5, (250, 232, 150))


def ground(pen: Pen, scene: Scene, rng: Random) -> None:
    """The place of the scene, in snow if there is snow."""
    _PLACES[scene.place](pen, scene, rng)


def _cover(scene: Scene, colour: Colour, share: float = 0.82) -> Colour:
    return mix(colour, _SNOW, share) if scene.snow else colour


def _meadow(pen: Pen, scene: Scene, rng: Random) -> None:
    far, near = _cover(scene, (132, 176, 96), 0.7), _cover(scene, (104, 156, 78))
    pen.ellipse(14, 62, 34, 24, far)
    pen.ellipse(54, 64, 32, 24, mix(far, (0, 0, 0), 0.05))
    for x in (1, 9, 17, 25, 33, 41, 49, 57):
        pen.rectangle(x, 39, x + 2.2, 50, (150, 112, 78))
    pen.rectangle(0, 42, 64, 43.6, (160, 122, 86))
    pen.rectangle(-1, 48, 65, 66, near)
    for _ in range(7):
        x, y = rng.uniform(2, 62), rng.uniform(51, 62)
        pen.line([(x, y), (x + rng.uniform(-1, 1), y - 2.5)], 0.7, _cover(scene, (70, 120, 56), 0.4))


def _beach(pen: Pen, scene: Scene, rng: Random) -> None:
    pen.rectangle(-1, 37, 65, 66, (62, 132, 172))
    for y, shift in ((39.5, 0.0), (43.0, 4.0), (46.5, 2.0)):
        for x in range(-8, 64, 12):
            pen.line([(x + shift, y), (x + shift + 3, y - 1), (x + shift + 6, y)], 0.8, (190, 222, 234))
    sand = _cover(scene, (226, 204, 154))
    pen.polygon([(-1, 50), (20, 48.5), (44, 50.5), (65, 49), (65, 66), (-1, 66)], sand)
    for _ in range(8):
        x, y = rng.uniform(2, 62), rng.uniform(53, 62)
        pen.ellipse(x, y, 0.7, 0.5, mix(sand, (120, 96, 60), 0.35))


def _city(pen: Pen, scene: Scene, rng: Random) -> None:
    heights = (22, 28, 17, 25, 31, 20, 27, 18)
    for i, top in enumerate(heights):
        x = i * 8
        wall = mix((126, 130, 146), (150, 138, 138), i % 3 / 2)
        pen.rectangle(x, 45 - (40 - top), x + 8, 50, wall)
        if scene.snow:
            pen.rectangle(x, 45 - (40 - top) - 1, x + 8, 45 - (40 - top) + 0.6, _SNOW)
        for wy in range(round(45 - (40 - top)) + 3, 46, 5):
            for wx in (x + 1.6, x + 4.8):
                lit = scene.night and rng.random() < 0.6
                pen.rectangle(wx, wy, wx + 1.7, wy + 2.3, (255, 232, 140) if lit else (92, 100, 120))
    pen.rectangle(-1, 49, 65, 52, _cover(scene, (176, 174, 170)))
    pen.rectangle(-1, 52, 65, 66, _cover(scene, (104, 104, 110), 0.72))
    for x in (2, 18, 34, 50):
        pen.rectangle(x, 57.4, x + 9, 58.8, (230, 226, 206))


def _mountains(pen: Pen, scene: Scene, rng: Random) -> None:
    for x, top, half in ((10, 16, 22), (52, 13, 24), (31, 21, 20)):
        rock = mix((112, 112, 132), (138, 134, 146), x % 3 / 2)
        pen.polygon([(x - half, 50), (x, top), (x + half, 50)], rock)
        pen.polygon(
            [
                (x, top),
                (x + half * 0.28, top + 10),
                (x + 2, top + 7.5),
                (x - 2, top + 10),
                (x - half * 0.26, top + 9.5),
            ],
            (236, 240, 246),
        )
    pen.rectangle(-1, 48, 65, 66, _cover(scene, (96, 128, 96)))
    for x in (4, 60, 13, 51):
        pen.polygon([(x - 3, 52), (x, 43), (x + 3, 52)], _cover(scene, (52, 92, 70), 0.35))


_PLACES = {"meadow": _meadow, "beach": _beach, "city": _city, "mountains": _mountains}


def flakes(pen: Pen, rng: Random) -> None:
    """Falling snow, in front of everything."""
    for i in range(36):
        r = rng.uniform(0.5, 1.0)
        x, y = (i % 6 + rng.random()) * 10.7, (i // 6 + rng.random()) * 9.5
        pen.ellipse(x, y, r, r, (250, 252, 255))
