"""What avoiding does to plain wishes, by several rules on the same seeds: `python -m bench.auto`.

Four subjects that bring something along in two of three pictures (a snowman its hat), asked for in a few
words, with their places, and at night; with the model's default steps and with 8; and plain wishes with lists
of 8 and 20 terms that name what can be wrong with a picture. A row a rule, "without" being no negative:

left        pictures that show anything of what is avoided, in percent, read by the oracle
right       pictures with the subject, and with colour, place and night where they are named, in percent
colourful, contrasty, sharp
            chroma, deviation and gradient of the pixels, in percent of those without a negative
cost        evaluations a step

Intervals are 95 %: Wilson's of shares, the bootstrap's over pictures of the others. No rule was tuned on the
default seeds; 40 of them take half an hour of a core with AVX512-BF16, and two hours and a half without.
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

import negspace
from bench.rules.figures import interval
from negspace.engine import BatchesUpTo
from negspace.judge import Oracle, OracleReading, Rate
from training.world import table

THINGS = {"snowman": "hat", "house": "smoke", "boat": "flag", "cat": "collar"}
EVERYTHING = tuple(c.name for kind in ("defect", "accessory", "style") for c in table.of(kind))
SEVERAL = ("blurry", "noise", "jpeg artifacts", "watermark", "text", "cropped", "oversaturated")
WEB = (*EVERYTHING, "blurred", "grainy", "compression artifacts", "signature", "too many fingers")


@dataclass(frozen=True)
class Wish:
    """A prompt, what must be in its picture, and what is avoided.

    Attributes:
        wanted: the oracle's answer, by head; "night" is a head of its own.
        avoid: the negative.
        faults: the concepts that it names.
    """

    prompt: str
    wanted: Mapping[str, str]
    avoid: str
    faults: Sequence[str]

    def right(self, reading: OracleReading) -> bool:
        """Whether everything is there that was asked for."""
        return all(reading.best(head) == name for head, name in self.wanted.items())

    def left(self, reading: OracleReading) -> bool:
        """Whether anything is there that was to be avoided; of what is no hand nobody asks for fingers."""
        asked = [name for name in self.faults if _possible(name, self.wanted["subject"])]
        return any(reading.has(name) for name in asked)


def _possible(fault: str, subject: str) -> bool:
    only = table.named(fault).only
    return not only or subject in only


def _plain() -> Iterator[Wish]:
    for subject, thing in THINGS.items():
        yield Wish(f"a {subject}", {"subject": subject}, thing, (thing,))


def _placed() -> Iterator[Wish]:
    colours, places = ("red", "blue", "green", "orange"), ("meadow", "beach", "city", "mountains")
    for (subject, thing), colour, place in zip(THINGS.items(), colours, places, strict=True):
        wanted = {"subject": subject, "colour": colour, "place": place}
        yield Wish(f"a {colour} {subject}, {place}", wanted, thing, (thing,))


def _night() -> Iterator[Wish]:
    for subject, thing in THINGS.items():
        yield Wish(f"a {subject}, night", {"subject": subject, "night": "night"}, thing, (thing,))


def _listed(terms: Sequence[str]) -> Iterator[Wish]:
    for subject, thing in THINGS.items():
        named = tuple(dict.fromkeys((thing, *terms)))
        faults = tuple(name for name in named if name in EVERYTHING)
        yield Wish(f"a {subject}", {"subject": subject}, ", ".join(named), faults)


WISHES: Mapping[str, tuple[int | None, tuple[Wish, ...]]] = {
    "plain": (None, tuple(_plain())),
    "with places": (None, tuple(_placed())),
    "night": (None, tuple(_night())),
    "plain, 8 steps": (8, tuple(_plain())),
    "lists of 8": (None, tuple(_listed(SEVERAL))),
    "lists of 20": (None, tuple(_listed(WEB))),
}
"""Steps, None being the model's, and wishes by name."""


@dataclass(frozen=True)
class Seen:
    """What one rule made of one group of wishes, a number a picture.

    Attributes:
        left, right: booleans.
        looks: [n, 3] chroma, deviation and gradient.
        cost: evaluations a step.
    """

    left: np.ndarray
    right: np.ndarray
    looks: np.ndarray
    cost: np.ndarray


def looks_of(picture: Image.Image) -> tuple[float, float, float]:
    """Chroma, deviation of the light, and how steep it is, in levels of 0 to 255."""
    pixels = np.asarray(picture, dtype=np.float32)
    light = pixels.mean(2)
    steep = np.abs(np.diff(light, axis=0)).mean() + np.abs(np.diff(light, axis=1)).mean()
    return float((pixels.max(2) - pixels.min(2)).mean()), float(light.std()), float(steep)


@dataclass(frozen=True)
class Bench:
    """A model and who reads its pictures; `seeds` pictures a wish, from `seed` on."""

    model: negspace.Model
    oracle: Oracle
    seeds: int
    seed: int

    def seen(self, group: str, rule: str | None) -> Seen:
        """A group of wishes by a rule; None is without a negative."""
        steps, wishes = WISHES[group]
        results = self.model.generate_all(
            [
                negspace.Request(
                    prompt=wish.prompt,
                    avoid=wish.avoid if rule else None,
                    rule=rule or "cfg",
                    seed=self.seed,
                    n=self.seeds,
                    steps=steps,
                )
                for wish in wishes
            ]
        )
        pictures = [picture for result in results for picture in result.images]
        pairs = list(
            zip([wish for wish in wishes for _ in range(self.seeds)], self.oracle.read(pictures), strict=True)
        )
        costs = [sum(r.receipt.evaluations.values()) / r.receipt.steps / self.seeds for r in results]
        return Seen(
            np.array([wish.left(reading) for wish, reading in pairs]),
            np.array([wish.right(reading) for wish, reading in pairs]),
            np.array([looks_of(picture) for picture in pictures]),
            np.repeat(costs, self.seeds),
        )


def row(rule: str, seen: Seen, bare: Seen) -> str:
    """One line of the table."""
    shares = [_share(seen.left), _share(seen.right)]
    looks = [_beside(seen.looks[:, column], bare.looks[:, column]) for column in range(3)]
    return f"  {rule:28} " + "  ".join((*shares, *looks, f"{seen.cost.mean():5.2f}"))


def _share(hits: np.ndarray) -> str:
    rate = Rate.of(int(hits.sum()), len(hits))
    return f"{100 * rate.share:5.1f} [{100 * rate.low:4.1f}, {100 * rate.high:5.1f}]"


def _beside(values: np.ndarray, bare: np.ndarray) -> str:
    at, low, high = (100 * figure / bare.mean() for figure in interval(values))
    return f"{at:5.1f} [{low:5.1f}, {high:5.1f}]"


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rules", default="cfg;auto", help="texts of rules, separated by ';'")
    parser.add_argument("--groups", default=";".join(WISHES), help="of wishes, separated by ';'")
    parser.add_argument("--seeds", type=int, default=40, help="pictures a wish")
    parser.add_argument("--seed", type=int, default=50_000, help="of the first picture of each wish")
    options = parser.parse_args()
    model = negspace.load("embedded", batching=BatchesUpTo(64))
    bench = Bench(model, Oracle.load(), options.seeds, options.seed)
    heads = ("left", "right", "colourful", "contrasty", "sharp", "cost")
    print(f"  {'':28} " + "  ".join(f"{head:20}" for head in heads))
    for group in options.groups.split(";"):
        print(f"{group}: {len(WISHES[group][1])} wishes x {options.seeds} pictures", flush=True)
        bare = bench.seen(group, None)
        print(row("without", bare, bare), flush=True)
        for rule in options.rules.split(";"):
            print(row(rule, bench.seen(group, rule), bare), flush=True)


if __name__ == "__main__":
    main()
