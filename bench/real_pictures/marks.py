"""Marks drawn on photographs: watermarks, signatures, names, addresses, and letters that are no letters."""

import string
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, map_coordinates

KINDS: Final = ("text", "watermark", "signature", "username", "web address")

_FONTS: Final = {
    "watermark": ("DejaVuSans-Bold.ttf", "DejaVuSans.ttf"),
    "text": ("DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf"),
    "signature": ("DejaVuSerif-Italic.ttf", "DejaVuSerif-BoldItalic.ttf"),
    "username": ("DejaVuSans.ttf",),
    "web address": ("DejaVuSans.ttf",),
}
_WORDS: Final = {
    "watermark": ("shutterstock", "PREVIEW", "SAMPLE", "© Getstock", "stockphoto.com", "Do not copy"),
    "text": ("SUMMER SALE", "Happy Birthday", "The Long Road", "Open daily", "Chapter One", "NO PARKING"),
    "signature": ("J. Weaver", "M. Okafor", "Lindqvist", "A. Moreau", "Tanaka 24", "R. Castell"),
    "username": ("@lightcatcher", "@mira.photo", "@northwind_88", "@studio_oak", "@pixelkraft"),
    "web address": (
        "www.mirapictures.com",
        "northwind.org/gallery",
        "studio-oak.co.uk",
        "artbase.net/u/mira",
    ),
}
_SIZES: Final = {"watermark": 48, "text": 34, "signature": 24, "username": 18, "web address": 16}
"""Height of type in pixels on a picture of 512."""


def marked(picture: Image.Image, kind: str, opacity: float, random: np.random.Generator) -> Image.Image:
    """The picture with a mark of a kind, white on dark ground and black on light ground.

    Args:
        opacity: 1 is opaque.
    """
    words = str(random.choice(_WORDS[kind]))
    layer = _lettering(words, str(random.choice(_FONTS[kind])), _SIZES[kind])
    if kind == "watermark":
        layer = layer.rotate(30, expand=True, resample=Image.Resampling.BICUBIC)
    left, top = _place(picture.size, layer.size, kind, random)
    return _laid(picture, layer, left, top, opacity)


def with_gibberish(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """The picture with a line of letters as generators draw them: warped, doubled, half of them mirrored or
    upside down, in soft strokes, on the picture or on a plain patch of it."""
    layer = np.asarray(_false_letters(random), dtype=float)
    warped = _warped(layer, random)
    mask = Image.fromarray(np.clip(gaussian_filter(warped, 0.6), 0, 255).astype(np.uint8))
    left, top = _place(picture.size, mask.size, "text", random)
    if random.random() < 0.5:
        picture = _with_patch(picture, mask.size, left, top)
    return _laid(picture, mask, left, top, 1.0)


def _lettering(words: str, font: str, size: int) -> Image.Image:
    """Words as a mask, 255 where there is ink."""
    face = ImageFont.truetype(font, size)
    left, top, right, bottom = face.getbbox(words)
    layer = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
    ImageDraw.Draw(layer).text((2 - left, 2 - top), words, fill=255, font=face)
    return layer


def _false_letters(random: np.random.Generator) -> Image.Image:
    glyphs = [_false_letter(random) for _ in range(random.integers(6, 13))]
    width = sum(glyph.width for glyph in glyphs)
    line = Image.new("L", (width + 16, max(glyph.height for glyph in glyphs) + 16))
    left = 8
    for glyph in glyphs:
        line.paste(255, (left, 8 + int(random.integers(-2, 3))), glyph)
        left += int(glyph.width * random.uniform(0.75, 1.0))
    return line.crop((0, 0, left + 8, line.height))


def _false_letter(random: np.random.Generator) -> Image.Image:
    letters = string.ascii_letters + string.digits
    size = 34
    glyph = _lettering(str(random.choice(list(letters))), "DejaVuSans-Bold.ttf", size)
    if random.random() < 0.3:  # two letters in one
        other = _lettering(str(random.choice(list(letters))), "DejaVuSans.ttf", size)
        glyph.paste(255, (int(random.integers(0, 8)), 0), other)
    turn = random.random()
    if turn < 0.25:
        return glyph.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return glyph.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if turn < 0.5 else glyph


def _warped(layer: np.ndarray, random: np.random.Generator) -> np.ndarray:
    shifts = [gaussian_filter(random.normal(size=layer.shape), 4) for _ in range(2)]
    shifts = [2.5 * shift / (shift.std() + 1e-9) for shift in shifts]
    rows, columns = np.indices(layer.shape)
    return map_coordinates(layer, [rows + shifts[0], columns + shifts[1]], order=1)


def _place(
    picture: tuple[int, int], layer: tuple[int, int], kind: str, random: np.random.Generator
) -> tuple[int, int]:
    """Where the layer's corner is: a watermark lies across the middle, a signature at the lower edge."""
    free = [max(0, whole - part) for whole, part in zip(picture, layer, strict=True)]
    across = random.uniform(0.35, 0.65) if kind == "watermark" else random.uniform(0.03, 0.97)
    down = {"watermark": random.uniform(0.35, 0.65), "text": random.uniform(0.03, 0.97)}.get(kind, 0.96)
    return int(free[0] * across), int(free[1] * down)


def _laid(picture: Image.Image, mask: Image.Image, left: int, top: int, opacity: float) -> Image.Image:
    ground = np.asarray(picture.crop((left, top, left + mask.width, top + mask.height)).convert("L"))
    ink = 255 if ground.mean() < 140 else 0
    result = picture.copy()
    result.paste((ink, ink, ink), (left, top), mask.point(lambda level: int(level * opacity)))
    return result


def _with_patch(picture: Image.Image, size: tuple[int, int], left: int, top: int) -> Image.Image:
    box = (left - 6, top - 6, left + size[0] + 6, top + size[1] + 6)
    colour = np.asarray(picture.crop(box)).reshape(-1, 3).mean(axis=0)
    patch = Image.new("RGB", (box[2] - box[0], box[3] - box[1]), tuple(int(value) for value in colour))
    result = picture.copy()
    result.paste(patch, box[:2])
    return result
