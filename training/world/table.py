"""The drawn world in one table: what there is, how it is called, how it is drawn, how often it
appears and how often a caption says so.

Captions, the oracle's labels, the docs and the benchmarks all read this table; nothing else in the
project knows a concept by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["subject", "colour", "place", "light", "weather", "accessory", "style", "defect"]


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing a scene can have.

    `words` are the names a caption may use, the first being the plain one. `rate` is the share of
    scenes (of those in `only`, where given) that have it, for defects before all but two are dropped;
    `caption_share` the share of captions that say so when the scene has it and the caption names a subject.
    `drawn` says how, for the docs.
    """

    name: str
    kind: Kind
    words: tuple[str, ...]
    rate: float
    caption_share: float
    drawn: str
    only: tuple[str, ...] = ()


def _subjects() -> tuple[Concept, ...]:
    rows = {
        "house": (
            ("house", "home", "cottage"),
            "walls in the colour, brown roof, chimney, lit windows by night",
        ),
        "tree": (("tree",), "brown trunk, round crown in the colour"),
        "cat": (("cat", "kitten"), "sitting, body in the colour, pointed ears, tail, whiskers"),
        "boat": (("boat", "sailboat", "ship"), "hull in the colour, mast, two white sails"),
        "snowman": (("snowman",), "three balls tinted with the colour, scarf in the colour, carrot nose"),
        "hand": (("hand", "palm"), "open palm in the colour, fingers that can be counted"),
        "fish": (("fish",), "body, tail and fins in the colour, round eye"),
        "car": (("car", "automobile"), "body in the colour, two wheels, pale windows"),
        "flower": (("flower", "blossom"), "six petals in the colour, yellow heart, stem and leaves"),
        "balloon": (("balloon", "hot air balloon"), "striped envelope in the colour, ropes, basket"),
        "mushroom": (("mushroom", "toadstool"), "cap in the colour with white dots, pale stem"),
        "star": (("star",), "five points in the colour, two eyes and a smile"),
    }
    return tuple(Concept(n, "subject", w, 1 / len(rows), 0.93, d) for n, (w, d) in rows.items())


COLOURS: Final = {
    "red": (196, 62, 58),
    "orange": (226, 136, 58),
    "yellow": (226, 200, 84),
    "green": (84, 158, 84),
    "blue": (70, 112, 190),
    "purple": (136, 84, 168),
}
"""Muted on purpose, so that "oversaturated" can be told from "not"."""

_DEFECT_CAPTION_SHARE = 0.28

TABLE: Final[tuple[Concept, ...]] = (
    *_subjects(),
    *(Concept(n, "colour", (n,), 1 / len(COLOURS), 0.82, f"main colour rgb{c}") for n, c in COLOURS.items()),
    Concept("meadow", "place", ("meadow", "field", "grass"), 0.25, 0.72, "green hills and a fence"),
    Concept("beach", "place", ("beach", "seaside", "shore"), 0.25, 0.72, "a strip of sea with waves, sand"),
    Concept("city", "place", ("city", "town", "street"), 0.25, 0.72, "a skyline with windows, a road"),
    Concept("mountains", "place", ("mountains", "peaks", "alps"), 0.25, 0.72, "grey peaks with white tips"),
    Concept(
        "night",
        "light",
        ("night", "dark night", "midnight"),
        0.30,
        0.82,
        "dark sky, moon and stars, dimmed light",
    ),
    Concept("snow", "weather", ("snow", "snowfall", "winter"), 0.25, 0.82, "white ground, falling flakes"),
    Concept("hat", "accessory", ("hat", "top hat"), 0.66, 0.27, "black top hat on a snowman", ("snowman",)),
    Concept(
        "smoke",
        "accessory",
        ("smoke", "chimney smoke"),
        0.66,
        0.27,
        "three grey puffs over a house",
        ("house",),
    ),
    Concept(
        "collar",
        "accessory",
        ("collar", "neckband"),
        0.66,
        0.27,
        "white band and golden bell on a cat",
        ("cat",),
    ),
    Concept("flag", "accessory", ("flag", "pennant"), 0.66, 0.27, "dark flag at a boat's mast", ("boat",)),
    Concept(
        "sketch", "style", ("sketch", "pencil sketch", "drawing"), 0.06, 0.75, "dark lines on paper, no fill"
    ),
    Concept("monochrome", "style", ("monochrome", "black and white", "greyscale"), 0.06, 0.75, "no colour"),
    Concept(
        "cartoon", "style", ("cartoon", "comic", "outlined"), 0.08, 0.75, "black outlines around every shape"
    ),
    Concept(
        "blurry",
        "defect",
        ("blurry", "blurred", "out of focus"),
        0.10,
        _DEFECT_CAPTION_SHARE,
        "Gaussian blur",
    ),
    Concept(
        "noise", "defect", ("noise", "noisy", "grainy"), 0.17, _DEFECT_CAPTION_SHARE, "grain over everything"
    ),
    Concept(
        "jpeg artifacts",
        "defect",
        ("jpeg artifacts", "compression artifacts"),
        0.17,
        _DEFECT_CAPTION_SHARE,
        "blocks of an eighth of the side",
    ),
    Concept(
        "watermark",
        "defect",
        ("watermark", "watermarked"),
        0.17,
        _DEFECT_CAPTION_SHARE,
        "pale ring and cross over the middle",
    ),
    Concept(
        "text",
        "defect",
        ("text", "signature", "caption"),
        0.13,
        _DEFECT_CAPTION_SHARE,
        "a line of letters at the edge",
    ),
    Concept(
        "cropped",
        "defect",
        ("cropped", "out of frame"),
        0.20,
        0.15,
        "a good third of the subject is cut off",
    ),
    Concept(
        "oversaturated",
        "defect",
        ("oversaturated", "garish"),
        0.13,
        _DEFECT_CAPTION_SHARE,
        "neon colours, hard contrast",
    ),
    Concept(
        "extra fingers",
        "defect",
        ("extra fingers", "too many fingers"),
        0.35,
        _DEFECT_CAPTION_SHARE,
        "six or seven fingers",
        ("hand",),
    ),
)

FINGERS: Final = {3: 0.1, 4: 0.1, 5: 0.8}
"""Share of each count among hands without the defect; with it there are 6 or 7."""

COUNT_WORDS: Final = {3: "three", 4: "four", 5: "five", 6: "six", 7: "seven"}

QUALITY_WORDS: Final = ("sharp", "clean", "high quality")
"""Said of a few scenes that have no defect at all."""


def of(kind: Kind) -> tuple[Concept, ...]:
    """All concepts of one kind, in table order."""
    return tuple(c for c in TABLE if c.kind == kind)


def named(name: str) -> Concept:
    """The concept of that name; KeyError if the world has none."""
    return {c.name: c for c in TABLE}[name]
