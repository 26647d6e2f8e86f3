"""How long reading prompts takes: `python -m bench.prompt [--most N] [--json FILE]`.

Every dialect, schedules and composition, on texts of 1,000 to 1,000,000 characters: a prompt as people write
it, texts of nothing but syntax, and 100,000 nested brackets. The time is that of the process, the best of
three up to 100,000 characters. `ratio` is the time a character takes in the longest text over that in the one
of 10,000 characters: 1 is linear time, 100 would be square. About five minutes on one core.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from negspace.prompt import DIALECTS, compose, parse, schedule

WRITTEN = (
    "a red house, (snow:1.2), [dark] sky, \\(masterpiece\\), (blurry, (watermark:1.3)), a cat++ and "
    "(a dog)0.8, [day:night:0.5] in the [forest|city], "
)
TEXTS = {
    "as written": WRITTEN,
    "plain words": "a big cat, ",
    "weights": "(a:1.2)",
    "( not closed": "(",
    "[ not closed": "[",
    ") not opened": ")",
    "(a not closed": "(a ",
    "[a: not closed": "[a:",
    '" and (': '"(',
    "swaps not closed": "(a.swap(",
    "schedules": "[a:b:3] ",
    "alternations": "[a|b] ",
    "breaks and ands": "a BREAK b AND c ",
    "white space": " ",
}
NESTS = {"( )": ("(", ")"), "[ ]": ("[", "]"), "(a :1.1)": ("(a ", ":1.1)"), "[a: :3]": ("[a:", ":3]")}
DEPTH = 100_000
STEPS = 4
READERS: dict[str, Callable[[str], object]] = {
    **{name: partial(parse, dialect=name) for name in DIALECTS},
    "schedule": partial(schedule, steps=STEPS),
    "compose": compose,
}


@dataclass(frozen=True)
class Growth:
    """Microseconds a character for texts of one kind, by length, and the last of them over that at 10,000."""

    reader: str
    text: str
    microseconds: dict[int, float]
    ratio: float


@dataclass(frozen=True)
class Depth:
    """Seconds for nested brackets, by reader."""

    nest: str
    characters: int
    seconds: dict[str, float]


def seconds(read: Callable[[str], object], text: str) -> float:
    """The time one reading takes."""
    best = float("inf")
    for _ in range(1 if len(text) > 100_000 else 3):
        start = time.process_time()
        read(text)
        best = min(best, time.process_time() - start)
    return best


def growth(most: int) -> list[Growth]:
    """Every reader on every kind of text."""
    lengths = [length for length in (1_000, 10_000, 100_000, 1_000_000) if length <= most]
    rows: list[Growth] = []
    for name, read in READERS.items():
        for kind, unit in TEXTS.items():
            each: dict[int, float] = {}
            for length in lengths:
                each[length] = seconds(read, (unit * (length // len(unit) + 1))[:length]) / length * 1e6
            # A reader that only looks for a word takes nanoseconds, which the clock does not tell apart.
            ratio = max(each[lengths[-1]], 0.01) / max(each[min(10_000, lengths[-1])], 0.01)
            rows.append(Growth(name, kind, each, ratio))
            columns = "".join(f"{value:10.3f}" for value in each.values())
            print(f"{name:9} {kind:18}{columns}{ratio:8.2f}", flush=True)
    return rows


def depth() -> list[Depth]:
    """Every reader on nested brackets."""
    rows: list[Depth] = []
    for kind, (opening, closing) in NESTS.items():
        text = opening * DEPTH + "x" + closing * DEPTH
        taken = {name: seconds(read, text) for name, read in READERS.items()}
        rows.append(Depth(kind, len(text), taken))
        print(f"{kind:10}" + "".join(f"{value:10.2f}" for value in taken.values()), flush=True)
    return rows


def main() -> int:
    """Prints the figures; 1 where a ratio says that the time is not linear."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--most", type=int, default=1_000_000, help="characters of the longest text")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    arguments = parser.parse_args()
    print("microseconds a character, by the length of the text, and their ratio")
    grown = growth(arguments.most)
    print(f"\nseconds for {DEPTH:,} nested brackets\n{'':10}" + "".join(f"{name:>10}" for name in READERS))
    nested = depth()
    worst = max(grown, key=lambda row: row.ratio)
    print(f"\nworst ratio {worst.ratio:.2f}: {worst.reader}, {worst.text}")
    if arguments.json:
        figures = {"growth": [asdict(row) for row in grown], "depth": [asdict(row) for row in nested]}
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0 if worst.ratio < 5 else 1


if __name__ == "__main__":
    sys.exit(main())
