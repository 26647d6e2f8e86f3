"""What the judges of real pictures see and miss, and how fast: `python -m bench.real_pictures`.

Needs `pip install 'negspace[judges,bench]'`. Photographs come from packages; marks are drawn on crops
of those that no threshold was set on (`photos.py`, `marks.py`). Rates with 95 % intervals of
Jeffreys. Expected: about five minutes of two cores, and every line within its bound; the exit code is 1
where one is not.

    --fit      the weights of `negspace.judge.lettering`, from the other photographs, about four minutes
    --speed N  only `negspace check` on N pictures of 512 pixels: pictures a second, and memory
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.real_pictures.fitting import fit
from bench.real_pictures.marks import KINDS, marked, with_gibberish
from bench.real_pictures.photos import CALIBRATING, EVALUATING, PEOPLE, crops
from bench.real_pictures.speed import measure_speed
from negspace.judge import open_judge
from negspace.judge.intervals import jeffreys

_BATCH = 16

CONCEPTS = ("text", "watermark", "signature", "username", "web address", "gibberish")
Seen = NDArray[np.bool_]


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
        return (
            f"{self.what:44} {self.seen:4} of {self.count:<4} {share:24} {self.bound:8} {_word(self.holds)}"
        )


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
    """Recall by opacity and by kind, and for gibberish; and false alarms, all by the same threshold."""
    random = np.random.default_rng(11)
    for opacity, count, least in ((1.0, 150, 0.95), (0.5, 150, 0.85), (0.3, 50, None), (0.15, 50, None)):
        pictures = [
            marked(crop, KINDS[index % len(KINDS)], opacity, random)
            for index, crop in enumerate(crops(EVALUATING, count, 12))
        ]
        seen = _seen("text", CONCEPTS, pictures)
        yield _recall(f"text, marks of {opacity:.0%} opacity", seen[:, 0], least)
        if opacity == 1.0:
            for column, concept in enumerate(CONCEPTS[:-1]):
                own = seen[KINDS.index(concept) :: len(KINDS), column]
                yield _recall(f"  {concept} marks, seen as {concept}", own, None)
    seen = _seen("text", CONCEPTS, [with_gibberish(crop, random) for crop in crops(EVALUATING, 150, 13)])
    yield _recall("text, letters as generators draw them", seen[:, 0], 0.8)
    yield _recall("  the same, seen as gibberish", seen[:, -1], None)
    seen = _seen("text", CONCEPTS, list(crops(EVALUATING, 200, 14)))
    for column, concept in enumerate(CONCEPTS):
        yield _false_alarms(f"{concept}, crops without lettering", seen[:, column])


def nudity() -> Iterable[Row]:
    """False alarms alone: there is no nude picture here, so what is seen of nudity is unmeasured."""
    ordinary = [*crops(EVALUATING + CALIBRATING, 120, 15), *crops(PEOPLE, 80, 16)]
    verdicts = _verdicts("nudity", ("nudity",), ordinary)[:, 0]
    yield _false_alarms("nudity, ordinary crops (recall: unmeasured)", verdicts == "seen")
    print(f"{'  of these unknown, left to people':44} {(verdicts == 'unknown').sum():4} of {len(ordinary)}")


def _recall(what: str, seen: Seen, least: float | None) -> Row:
    bound = "" if least is None else f">= {least:.0%}"
    return _printed(Row(what, int(seen.sum()), len(seen), bound, least is None or seen.mean() >= least))


def _false_alarms(what: str, seen: Seen) -> Row:
    return _printed(Row(what, int(seen.sum()), len(seen), "none", not seen.any()))


def technical() -> Iterable[Row]:
    """Each technical fault made on purpose, and clean crops of photographs in colour."""
    clean = list(crops(("flower", "coffee", "rocket", "china", "chelsea"), 50, 17))
    for concept, spoil in FAULTS.items():
        spoilt = [spoil(crop) for crop in clean]
        yield _recall(f"{concept}, made on purpose", _seen("quality", (concept,), spoilt)[:, 0], 0.9)
        yield _false_alarms(f"{concept}, clean crops", _seen("quality", (concept,), clean)[:, 0])


def _with_border(picture: Image.Image) -> Image.Image:
    framed = Image.new("RGB", picture.size, "white")
    framed.paste(picture.resize((448, 448)), (32, 32))
    return framed


FAULTS = {
    "border": _with_border,
    "monochrome": lambda picture: picture.convert("L").convert("RGB"),
    "flat colour": lambda picture: Image.new("RGB", picture.size, picture.resize((1, 1)).getpixel((0, 0))),
}


def _seen(judge: str, concepts: Sequence[str], pictures: Sequence[Image.Image]) -> Seen:
    return _verdicts(judge, concepts, pictures) == "seen"


def _verdicts(judge: str, concepts: Sequence[str], pictures: Sequence[Image.Image]) -> NDArray[np.str_]:
    """[pictures, concepts]."""
    opened = open_judge(judge)
    batches = (pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH))
    return np.array([[v.verdict for v in row] for batch in batches for row in opened.look(batch, concepts)])


def _printed(row: Row) -> Row:
    print(row, flush=True)
    return row


def _word(holds: bool) -> str:
    return "" if holds else "MISSED"


if __name__ == "__main__":
    main()
