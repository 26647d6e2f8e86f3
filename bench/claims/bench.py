"""What claims are measured with: pictures of one set of wishes under different settings, kept in an album."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import negspace
from negspace.lab.effects import Expectation, Effect, tally
from negspace.lab.picture_maker import PictureMaker, pixel_identity
from negspace.lab.picture_store import PictureRecord, PictureStore, PictureSpec
from negspace.lab.witness import witness_of
from negspace.lab.site import HERE, Site
from negspace.request import Request

Verdict = Literal["agrees", "disagrees", "not shown", "not measured"]

PLACES = ("meadow", "beach", "city", "mountains")
ACCESSORIES = {"snowman": "hat", "house": "smoke", "cat": "collar", "boat": "flag"}
"""What comes along unasked, by subject."""
DEFECTS = frozenset(
    ("blurry", "noise", "jpeg artifacts", "watermark", "text", "cropped", "oversaturated", "extra fingers")
)


@dataclass(frozen=True)
class Wish:
    """One picture to be made: `{thing}` in a setting is what is unwanted in it."""

    prompt: str
    thing: str
    seed: int


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        number: of the claim.
        claim, expected, measured: in words.
        interval: 95 %, of what is measured; "" where there is none.
        verdict: agrees or not.
    """

    number: str
    claim: str
    expected: str
    measured: str
    interval: str = ""
    verdict: Verdict = "not measured"


Claim = Callable[["Bench"], Row]


@dataclass(eq=False)
class Bench:
    """Makes pictures and reads them.

    Attributes:
        store: where they are kept.
        size: wishes a setting.
        told: called with a line where something takes long.
        site: where pictures are made.
        text_encoder: a folder in the place of the model's own; None is its own.
    """

    store: Path
    size: int
    told: Callable[[str], None] = print
    site: Site = HERE
    text_encoder: Path | None = None
    model: negspace.Model = field(init=False)

    def __post_init__(self) -> None:
        self.model = negspace.load("embedded", text_encoder=self.text_encoder)
        self.witness = witness_of("embedded")
        self.album = PictureStore(self.store, pixel_identity(self.model), self.witness.fingerprint)
        self.maker = PictureMaker(self.site.open_workers(self.model), self.witness, self.album)

    def told_by(self, text_encoder: Path) -> Bench:
        """The same with another text encoder, and an album of its own."""
        return replace(self, store=self.store / f"by {text_encoder.name}", text_encoder=text_encoder)

    def wishes(self, count: int | None = None, things: Sequence[str] = ()) -> list[Wish]:
        """Wishes for subjects that bring something along; with `things`, for any subject, of these things."""
        subjects = list(ACCESSORIES)
        found: list[Wish] = []
        for i in range(count or self.size):
            subject = subjects[i % len(subjects)]
            place = PLACES[i // len(subjects) % len(PLACES)]
            thing = things[i % len(things)] if things else ACCESSORIES[subject]
            found.append(Wish(f"a {subject}, {place}", thing, 40_000 + i))
        return found

    def shots(self, wishes: Sequence[Wish], **settings: Any) -> list[PictureSpec]:
        """The pictures of wishes under settings; `{thing}` and `{prompt}` in a text are the wish's."""
        return [
            PictureSpec(
                Request.from_dict(
                    {
                        "prompt": wish.prompt,
                        "seed": wish.seed,
                        **{name: _filled(value, wish) for name, value in settings.items()},
                    }
                )
            )
            for wish in wishes
        ]

    def looks(self, wishes: Sequence[Wish], **settings: Any) -> list[PictureRecord]:
        """What is in the pictures of wishes under settings."""
        shots = self.shots(wishes, **settings)
        for made in self.maker.make(shots):
            self.told(f"    {made} pictures of {settings or 'no negative'}")
        return self.maker.records(shots)

    def pictures(self, wishes: Sequence[Wish], **settings: Any) -> list[Image.Image]:
        """The pictures themselves."""
        self.looks(wishes, **settings)
        made = [self.album.picture(shot) for shot in self.shots(wishes, **settings)]
        return [picture for picture in made if picture is not None]

    def features(self, wishes: Sequence[Wish], **settings: Any) -> NDArray[np.float32]:
        """[pictures, dimensions] of the oracle."""
        return self.witness.features(self.pictures(wishes, **settings))

    def leak(self, wishes: Sequence[Wish], one: dict[str, Any], other: dict[str, Any]) -> Effect:
        """How much rarer the unwanted thing is under other settings."""
        return self._effect(wishes, one, other, Expectation.shows_avoided)

    def lacking(self, wishes: Sequence[Wish], one: dict[str, Any], other: dict[str, Any]) -> Effect:
        """How much rarer it is under other settings that something wanted is missing."""
        return self._effect(wishes, one, other, Expectation.lacks_wanted)

    def aims(self, wishes: Sequence[Wish]) -> list[Expectation]:
        """What the picture of each wish is to show and not to show."""
        return [Expectation.of(wish.prompt, [wish.thing], self.witness) for wish in wishes]

    def spoiled(self, wishes: Sequence[Wish], one: dict[str, Any], other: dict[str, Any]) -> Effect:
        """How much rarer it is under other settings that something wanted is missing or a defect there."""
        return self._effect(wishes, one, other, _spoiled)

    def spoils(self, wishes: Sequence[Wish], **settings: Any) -> list[bool]:
        """For each wish whether something wanted is missing or a defect there."""
        return list(map(_spoiled, self.aims(wishes), self.looks(wishes, **settings)))

    def changed(self, wishes: Sequence[Wish], one: dict[str, Any], other: dict[str, Any]) -> list[bool]:
        """For each wish whether anything that can be seen differs."""
        pairs = zip(self.looks(wishes, **one), self.looks(wishes, **other), strict=True)
        return [without.seen != with_it.seen for without, with_it in pairs]

    def _effect(
        self,
        wishes: Sequence[Wish],
        one: dict[str, Any],
        other: dict[str, Any],
        measure: Callable[[Expectation, PictureRecord], bool],
    ) -> Effect:
        both = zip(self.aims(wishes), self.looks(wishes, **one), self.looks(wishes, **other), strict=True)
        return Effect.of(tally((measure(aim, a), measure(aim, b)) for aim, a, b in both))


def _spoiled(aim: Expectation, look: PictureRecord) -> bool:
    return aim.lacks_wanted(look) or not DEFECTS.isdisjoint(look.seen)


def _filled(value: Any, wish: Wish) -> Any:
    """A setting with the wish's own words in every text."""
    if isinstance(value, str):
        return value.format(thing=wish.thing, prompt=wish.prompt)
    if isinstance(value, Mapping):
        return {name: _filled(one, wish) for name, one in value.items()}
    return [_filled(one, wish) for one in value] if isinstance(value, list) else value


def score(effect: Effect) -> tuple[float, float]:
    """Tango's score interval, for a number of pairs that was fixed before."""
    from negspace.lab.stats import score_interval

    return score_interval(effect.helped, effect.harmed, effect.pairs)


def span(interval: tuple[float, float], digits: int = 0) -> str:
    """An interval of shares in percentage points."""
    return f"[{100 * interval[0]:+.{digits}f}, {100 * interval[1]:+.{digits}f}]"


def bootstrap(
    values: Sequence[Any], measure: Callable[[list[Any]], float], draws: int = 500
) -> tuple[float, float]:
    """Percentile interval of a measure of a sample, 95 %."""
    rng = np.random.default_rng(0)
    found = [measure([values[i] for i in rng.integers(len(values), size=len(values))]) for _ in range(draws)]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def judged(interval: tuple[float, float], low: float = 0.0, high: float = math.inf) -> Verdict:
    """Whether an interval lies within what is expected, outside of it, or across its edge."""
    if low <= interval[0] and interval[1] <= high:
        return "agrees"
    return "disagrees" if interval[1] < low or interval[0] > high else "not shown"


def mean(values: Iterable[float]) -> float:
    """Of some numbers."""
    return float(np.mean(list(values)))
