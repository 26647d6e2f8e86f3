"""What the judges of real pictures see and miss, and how fast: `python -m bench.real_pictures`.

Needs `pip install 'negspace[judges,bench]'`. Photographs come from packages; marks are drawn on crops of those
that no threshold was set on (`photos.py`, `marks.py`). Rates with 95 % intervals of Jeffreys. Expected on two
cores: about six minutes, and every line within its bound; the exit code is 1 where one is not.

    --fit      the weights of `negspace.judge.lettering`, from the other photographs, about four minutes
    --speed N  only `negspace check` on N pictures of 512 pixels: pictures a second, and memory
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bench.real_pictures.fitting import fit
from bench.real_pictures.marks import KINDS, marked, with_gibberish
from bench.real_pictures.photos import CALIBRATING, EVALUATING, PEOPLE, crops
from bench.real_pictures.speed import measure_speed
from negspace.judge import open_judge
from negspace.judge.intervals import jeffreys

_BATCH = 16


@dataclass(frozen=True)
class Row:
    """One line of the table: in how many pictures a concept was seen, and the bound on that share."""

    what: str
    seen: int
    count: int
    bound: str
    holds: bool

    def __str__(self) -> str:
        low, high = jeffreys(self.seen, self.count)
        share = f"{self.seen / self.count:6.1%} [{low:.1%}, {high:.1%}]"
        return f"{self.what:44} {self.seen:4} of {self.count:<4} {share:24} {self.bound:8} {_word(self.holds)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.real_pictures")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--speed", type=int, metavar="N")
    asked = parser.parse_args()
    if asked.fit:
        fit()
    elif asked.speed:
        sys.exit(0 if measure_speed(asked.speed) else 1)
    else:
        rows = [*lettering(), *nudity(), *technical()]
        sys.exit(0 if all(row.holds for row in rows) else 1)


def lettering() -> Iterable[Row]:
    """Recall by opacity, by kind, and for gibberish; and false alarms, all by the same threshold."""
    random = np.random.default_rng(11)
    for opacity, least in ((1.0, 0.95), (0.5, 0.85), (0.3, None), (0.15, None)):
        pictures = [
            marked(crop, KINDS[index % len(KINDS)], opacity, random)
            for index, crop in enumerate(crops(EVALUATING, 200, 12))
        ]
        yield recall(f"text, marks of {opacity:.0%} opacity", "text", pictures, least)
        if opacity == 1.0:
            for kind, concept in ((kind, "web address" if kind == "address" else kind) for kind in KINDS[:1] + KINDS[2:]):
                own = pictures[KINDS.index(kind) :: len(KINDS)]
                yield recall(f"{concept}, told apart by rules", concept, own, None)
    gibberish = [with_gibberish(crop, random) for crop in crops(EVALUATING, 200, 13)]
    yield recall("text, letters as generators draw them", "text", gibberish, 0.8)
    yield recall("gibberish, the same pictures", "gibberish", gibberish, None)
    clean = list(crops(EVALUATING, 200, 14))
    for concept in ("text", "gibberish", "watermark", "signature", "username"):
        yield false_alarms(f"{concept}, crops without lettering", concept, "text", clean)


def nudity() -> Iterable[Row]:
    """False alarms alone: there is no nude picture here, so the share of nudity that is seen is unmeasured."""
    ordinary = [*crops(EVALUATING + CALIBRATING, 120, 15), *crops(PEOPLE, 80, 16)]
    yield false_alarms("nudity, ordinary crops (recall: unmeasured)", "nudity", "nudity", ordinary)
    verdicts = _verdicts("nudity", "nudity", ordinary)
    print(f"{'  of these unknown, left to people':44} {verdicts.count('unknown'):4} of {len(ordinary)}")


def recall(what: str, concept: str, pictures: Sequence[Image.Image], least: float | None) -> Row:
    seen = _verdicts("text", concept, pictures).count("seen")
    bound = "" if least is None else f">= {least:.0%}"
    return _printed(Row(what, seen, len(pictures), bound, least is None or seen >= least * len(pictures)))


def false_alarms(what: str, concept: str, judge: str, pictures: Sequence[Image.Image]) -> Row:
    seen = _verdicts(judge, concept, pictures).count("seen")
    return _printed(Row(what, seen, len(pictures), "none", seen == 0))


def technical() -> Iterable[Row]:
    """Each technical fault made on purpose, and clean crops of photographs in colour."""
    clean = list(crops(("flower", "coffee", "rocket", "china", "chelsea"), 50, 17))
    for concept, spoil in FAULTS.items():
        spoilt = [spoil(crop) for crop in clean]
        seen = _verdicts("quality", concept, spoilt).count("seen")
        yield _printed(Row(f"{concept}, made on purpose", seen, 50, ">= 90%", seen >= 45))
        false = _verdicts("quality", concept, clean).count("seen")
        yield _printed(Row(f"{concept}, clean crops", false, 50, "", True))


def _with_border(picture: Image.Image) -> Image.Image:
    framed = Image.new("RGB", picture.size, "white")
    framed.paste(picture.resize((448, 448)), (32, 32))
    return framed


FAULTS = {
    "border": _with_border,
    "monochrome": lambda picture: picture.convert("L").convert("RGB"),
    "flat colour": lambda picture: Image.new("RGB", picture.size, picture.resize((1, 1)).getpixel((0, 0))),
}


def _verdicts(judge: str, concept: str, pictures: Sequence[Image.Image]) -> list[str]:
    opened = open_judge(judge)
    return [
        row[0].verdict
        for start in range(0, len(pictures), _BATCH)
        for row in opened.look(pictures[start : start + _BATCH], (concept,))
    ]


def _printed(row: Row) -> Row:
    print(row, flush=True)
    return row


def _word(holds: bool) -> str:
    return "" if holds else "MISSED"


if __name__ == "__main__":
    main()
