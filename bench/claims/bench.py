"""What claims are measured with: pictures of one set of wishes under different settings, kept in a folder."""

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
from negspace.lab.effects import Effect, Expectation, tally
from negspace.lab.picture_maker import PictureMaker
from negspace.lab.picture_store import PictureRecord, PictureSpec
from negspace.lab.site import HERE, Site
from negspace.lab.study import IsFault
from negspace.lab.witness import witness_of
from negspace.request import Request

Verdict = Literal["agrees", "disagrees", "not shown", "not measured"]
Settings = dict[str, Any]
"""Fields of a request; `{thing}` and `{prompt}` in a text are those of the wish."""

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
        report: called with a line of progress.
        site: where pictures are made.
        text_encoder: a folder in place of the model's own text encoder; None keeps its own.
    """

    store: Path
    size: int
    report: Callable[[str], None] = print
    site: Site = HERE
    text_encoder: Path | None = None
    model: negspace.Model = field(init=False)

    def __post_init__(self) -> None:
        self.model = negspace.load("embedded", text_encoder=self.text_encoder)
        self.witness = witness_of("embedded")
        self.maker = PictureMaker.open(self.model, self.witness, self.store, self.site)

    def with_encoder(self, text_encoder: Path) -> Bench:
        """The same with another text encoder, and a folder of its own."""
        return replace(self, store=self.store / f"by {text_encoder.name}", text_encoder=text_encoder)

    def wishes(self, count: int | None = None, things: Sequence[str] = ()) -> list[Wish]:
        """Wishes for subjects that bring something along; with `things`, for any subject, of these things."""
        subjects = list(ACCESSORIES)
        made: list[Wish] = []
        for i in range(count or self.size):
            subject = subjects[i % len(subjects)]
            place = PLACES[i // len(subjects) % len(PLACES)]
            thing = things[i % len(things)] if things else ACCESSORIES[subject]
            made.append(Wish(f"a {subject}, {place}", thing, 40_000 + i))
        return made

    def specs(self, wishes: Sequence[Wish], **settings: Any) -> list[PictureSpec]:
        """The pictures of wishes under settings."""
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

    def records(self, wishes: Sequence[Wish], **settings: Any) -> list[PictureRecord]:
        """What is in the pictures of wishes under settings."""
        specs = self.specs(wishes, **settings)
        for made in self.maker.make(specs):
            self.report(f"    {made} pictures of {settings or 'no negative'}")
        return self.maker.records(specs)

    def pictures(self, wishes: Sequence[Wish], **settings: Any) -> list[Image.Image]:
        """The pictures themselves."""
        self.records(wishes, **settings)
        return self.maker.store.pictures(self.specs(wishes, **settings))

    def features(self, wishes: Sequence[Wish], **settings: Any) -> NDArray[np.float32]:
        """[pictures, dimensions] of the oracle."""
        return self.witness.features(self.pictures(wishes, **settings))

    def expectations(self, wishes: Sequence[Wish]) -> list[Expectation]:
        """What the picture of each wish should show and should not show."""
        return [Expectation.of(wish.prompt, [wish.thing], self.witness) for wish in wishes]

    def leaks(self, wishes: Sequence[Wish], **settings: Any) -> list[bool]:
        """For each wish whether its picture shows the unwanted thing."""
        return self._faults(Expectation.shows_avoided, wishes, settings)

    def spoils(self, wishes: Sequence[Wish], **settings: Any) -> list[bool]:
        """For each wish whether something wanted is missing in its picture or a defect is there."""
        return self._faults(_spoiled, wishes, settings)

    def leak(self, wishes: Sequence[Wish], before: Settings, after: Settings) -> Effect:
        """How much rarer the unwanted thing is under other settings."""
        return self._effect(Expectation.shows_avoided, wishes, before, after)

    def lacking(self, wishes: Sequence[Wish], before: Settings, after: Settings) -> Effect:
        """How much rarer it is under other settings that something wanted is missing."""
        return self._effect(Expectation.lacks_wanted, wishes, before, after)

    def spoiled(self, wishes: Sequence[Wish], before: Settings, after: Settings) -> Effect:
        """How much rarer it is under other settings that something wanted is missing or a defect is there."""
        return self._effect(_spoiled, wishes, before, after)

    def changed(self, wishes: Sequence[Wish], before: Settings, after: Settings) -> list[bool]:
        """For each wish whether anything that can be seen differs."""
        pairs = zip(self.records(wishes, **before), self.records(wishes, **after), strict=True)
        return [without.seen != with_it.seen for without, with_it in pairs]

    def evaluations(self, wishes: Sequence[Wish], **settings: Any) -> float:
        """Mean network evaluations of a picture."""
        return mean(record.evaluations for record in self.records(wishes, **settings))

    def _faults(self, measure: IsFault, wishes: Sequence[Wish], settings: Settings) -> list[bool]:
        return list(map(measure, self.expectations(wishes), self.records(wishes, **settings)))

    def _effect(self, measure: IsFault, wishes: Sequence[Wish], before: Settings, after: Settings) -> Effect:
        sides = (self._faults(measure, wishes, settings) for settings in (before, after))
        return Effect.of(tally(zip(*sides, strict=True)))


def _spoiled(expectation: Expectation, record: PictureRecord) -> bool:
    return expectation.lacks_wanted(record) or not DEFECTS.isdisjoint(record.seen)


def _filled(value: Any, wish: Wish) -> Any:
    """A setting with the words of the wish in every text."""
    if isinstance(value, str):
        return value.format(thing=wish.thing, prompt=wish.prompt)
    if isinstance(value, Mapping):
        return {name: _filled(text, wish) for name, text in value.items()}
    return [_filled(text, wish) for text in value] if isinstance(value, list) else value


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
    rng, size = np.random.default_rng(0), len(values)
    samples = [measure([values[i] for i in rng.integers(size, size=size)]) for _ in range(draws)]
    low, high = np.percentile(samples, [2.5, 97.5])
    return float(low), float(high)


def judged(interval: tuple[float, float], low: float = 0.0, high: float = math.inf) -> Verdict:
    """Whether an interval lies within what is expected, outside of it, or across its edge."""
    if low <= interval[0] and interval[1] <= high:
        return "agrees"
    return "disagrees" if interval[1] < low or interval[0] > high else "not shown"


def mean(values: Iterable[float]) -> float:
    """Of some numbers."""
    return float(np.mean(list(values)))
