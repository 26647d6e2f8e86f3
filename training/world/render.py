"""Scene -> picture. The same scene always gives the same pixels."""

from __future__ import annotations

import io
from functools import cache
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from training.world import places, subjects, table
from training.world.pen import Pen, canvas
from training.world.scene import Scene

_SUPERSAMPLING = 3
_GRAIN_SIDE = 64
"""Grain and JPEG blocks are those of a picture of this side, however large a scene is drawn: what is wrong
with a larger picture is then the same, and shrunk it is the smaller one."""


def render(scene: Scene, side: int = 64) -> Image.Image:
    """The picture of a scene: RGB, `side` x `side` pixels."""
    rng = Random(scene.detail)
    picture = _clean(scene, side, rng)
    if scene.style == "sketch":
        picture = _sketch(picture)
    elif scene.style == "monochrome":
        picture = ImageOps.grayscale(picture).convert("RGB")
    for name, damage in _DAMAGE.items():  # fixed order: what is on the lens comes before what is on the file
        if name in scene.defects:
            picture = damage(picture, rng)
    return picture


def _clean(scene: Scene, side: int, rng: Random) -> Image.Image:
    picture = canvas(side * _SUPERSAMPLING)
    places.sky(picture, scene)
    draw = ImageDraw.Draw(picture)
    scale = picture.width / 64
    outline = 1.1 if scene.style == "cartoon" else 0.0
    bright = Pen(draw, scale)
    world = Pen(draw, scale, dim=0.5 if scene.night else 1.0, outline=outline)
    subject = Pen(draw, scale, dim=0.8 if scene.night else 1.0, outline=outline)
    places.lights(bright, scene, rng)
    places.ground(world, scene, rng)
    subjects.draw(subject, scene, table.COLOURS[scene.colour])
    if scene.snow:
        places.flakes(bright, rng)
    return picture.resize((side, side), Image.Resampling.BOX)


def _sketch(picture: Image.Image) -> Image.Image:
    grey = ImageOps.grayscale(picture)
    soft = grey.filter(ImageFilter.GaussianBlur(0.5 * picture.width / 64))
    lines = np.asarray(soft, dtype=np.float32)
    down, across = np.gradient(lines)
    ink = np.clip(np.hypot(down, across) * 5.0 * picture.width / 64, 0, 205)
    paper = np.array([244, 240, 230], dtype=np.float32)
    return Image.fromarray((paper - ink[..., None]).clip(0, 255).astype(np.uint8))


def _oversaturated(picture: Image.Image, rng: Random) -> Image.Image:
    return ImageEnhance.Contrast(ImageEnhance.Color(picture).enhance(2.6)).enhance(1.35)


def _blurry(picture: Image.Image, rng: Random) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(rng.uniform(1.5, 1.9) * picture.width / 64))


@cache
def _grain(side: int) -> np.ndarray:
    """One fixed field of grain [side, side, 1], as of a sensor: free grain would not pass an autoencoder of
    eight numbers to one, and what it cannot carry no model could draw."""
    field = np.random.default_rng(20).normal(size=(_GRAIN_SIDE, _GRAIN_SIDE, 1)).astype(np.float32)
    nearest = np.arange(side) * _GRAIN_SIDE // side
    return field[nearest][:, nearest]


def _noise(picture: Image.Image, rng: Random) -> Image.Image:
    pixels = np.asarray(picture, dtype=np.float32) + _grain(picture.width) * rng.uniform(18, 24)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _watermark(picture: Image.Image, rng: Random) -> Image.Image:
    layer = canvas(picture.width * _SUPERSAMPLING).convert("L")
    draw = ImageDraw.Draw(layer)
    s = layer.width / 64
    x, y = 32 + rng.uniform(-2, 2), 32 + rng.uniform(-2, 2)
    draw.ellipse([(x - 15) * s, (y - 15) * s, (x + 15) * s, (y + 15) * s], outline=150, width=round(2.6 * s))
    for dx in (-1, 1):
        draw.line(
            [(x - 40) * s, (y - dx * 40) * s, (x + 40) * s, (y + dx * 40) * s], fill=150, width=round(2.2 * s)
        )
    mask = layer.resize(picture.size, Image.Resampling.BOX)
    return Image.composite(Image.new("RGB", picture.size, (240, 240, 244)), picture, mask)


def _text(picture: Image.Image, rng: Random) -> Image.Image:
    side = picture.width * _SUPERSAMPLING
    big = picture.resize((side, side), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(big)
    s = big.width / 64
    top = rng.choice((2.5, 55.5))
    x = rng.uniform(24, 30)
    draw.rectangle([(x - 1.5) * s, (top - 1) * s, (x + 33.5) * s, (top + 6.6) * s], fill=(248, 246, 240))
    for i in range(6):  # six letters of three strokes each
        at = x + i * 5.4
        corners = [(at + 0.5, top + 0.5), (at + 3.9, top + 0.5), (at + 0.5, top + 5), (at + 3.9, top + 5)]
        rng.shuffle(corners)
        draw.line([(px * s, py * s) for px, py in corners], fill=(24, 22, 30), width=round(1.1 * s))
    return big.resize(picture.size, Image.Resampling.BOX)


def _jpeg(picture: Image.Image, rng: Random) -> Image.Image:
    file = io.BytesIO()
    small = picture.resize((_GRAIN_SIDE, _GRAIN_SIDE), Image.Resampling.BOX)
    small.save(file, "JPEG", quality=rng.choice((4, 5, 6)), subsampling=0)
    return Image.open(file).convert("RGB").resize(picture.size, Image.Resampling.NEAREST)


_DAMAGE = {
    "oversaturated": _oversaturated,
    "blurry": _blurry,
    "watermark": _watermark,
    "text": _text,
    "noise": _noise,
    "jpeg artifacts": _jpeg,
}
"""Cropped and extra fingers are drawn by the scene itself."""
