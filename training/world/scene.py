"""A scene is a frozen description; everything true of a picture is in it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from training.world import table

DETAILS = 6
"""How many layouts of uncaptioned detail there are. Each flake placed freely would cost the autoencoder more
than the subject does; a larger model can afford more of them."""

ACCESSORY_OF = {c.only[0]: c.name for c in table.of("accessory")}
_UNCROPPED = frozenset({"hand"})  # a hand cut off has no countable fingers
_COLOURLESS = frozenset({"sketch", "monochrome"})


@dataclass(frozen=True, slots=True)
class Scene:
    """What one picture shows. `x`, `y` and `size` place the subject on a canvas of side 64;
    `detail` seeds what nobody captions (where the flakes and the grain lie, which windows are lit)."""

    subject: str
    colour: str
    place: str
    night: bool
    snow: bool
    accessory: str | None
    style: str | None
    defects: tuple[str, ...]
    fingers: int
    x: float
    y: float
    size: float
    detail: int

    @property
    def has_colour(self) -> bool:
        """Whether the main colour can be seen at all."""
        return self.style not in _COLOURLESS

    def has(self, concept: str) -> bool:
        """Whether the concept of that name is in the picture."""
        return concept in (
            self.subject,
            self.colour if self.has_colour else None,
            self.place,
            "night" if self.night else None,
            "snow" if self.snow else None,
            self.accessory,
            self.style,
            *self.defects,
        )


def sample(rng: Random) -> Scene:
    """Draw a scene with the table's rates. At most two defects, so that a picture stays readable."""
    subject = rng.choice(table.of("subject")).name
    style = _style(rng)
    accessory = ACCESSORY_OF.get(subject)
    if accessory is not None and rng.random() >= table.named(accessory).rate:
        accessory = None
    defects = _defects(rng, subject, style)
    size = rng.uniform(0.92, 1.08)
    x, y = 32 + rng.uniform(-5, 5), 34 + rng.uniform(-2, 2)
    if "cropped" in defects:
        x = rng.choice((rng.uniform(3, 9), rng.uniform(55, 61)))
        size *= 1.15
    return Scene(
        subject=subject,
        colour=rng.choice(table.of("colour")).name,
        place=rng.choice(table.of("place")).name,
        night=style != "sketch" and rng.random() < table.named("night").rate,
        snow=rng.random() < table.named("snow").rate,
        accessory=accessory,
        style=style,
        defects=defects,
        fingers=_fingers(rng, defects) if subject == "hand" else 0,
        x=x,
        y=y,
        size=size,
        detail=rng.randrange(DETAILS),
    )


def _style(rng: Random) -> str | None:
    draw = rng.random()
    for concept in table.of("style"):
        draw -= concept.rate
        if draw < 0:
            return concept.name
    return None


def _defects(rng: Random, subject: str, style: str | None) -> tuple[str, ...]:
    chosen = []
    for concept in table.of("defect"):
        possible = not concept.only or subject in concept.only
        if concept.name == "cropped" and subject in _UNCROPPED:
            possible = False
        if concept.name == "oversaturated" and style in _COLOURLESS:
            possible = False
        if possible and rng.random() < concept.rate:
            chosen.append(concept.name)
    rng.shuffle(chosen)
    return tuple(sorted(chosen[:2]))


def _fingers(rng: Random, defects: tuple[str, ...]) -> int:
    if "extra fingers" in defects:
        return rng.choice((6, 7))
    return rng.choices(tuple(table.FINGERS), tuple(table.FINGERS.values()))[0]
