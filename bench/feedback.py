"""How often a complaint is understood: `python -m bench.feedback [--half open|held] [--wrong] [--json FILE]`.

`bench/complaints.txt` holds complaints in everyday language with what they mean. A hash of each decides which
half it belongs to: the lexicon and the rules were made while looking at the open half only, and the held-back
half is what counts. A complaint is right where the concepts found are exactly those it means, each with the
right polarity (against or for); one too many or one missed is wrong. The interval is Wilson's, 95 %.
"""

import argparse
import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path

from negspace.avoid.matching import phrase
from negspace.feedback.revision import revise

FILE = Path(__file__).with_name("complaints.txt")
GOAL = 0.85
Meaning = frozenset[tuple[tuple[str, ...], bool]]


@dataclass(frozen=True)
class Complaint:
    """A complaint and what it means: (concept, whether it asks for it)."""

    text: str
    means: Meaning

    @property
    def half(self) -> str:
        first = hashlib.sha256(self.text.encode()).digest()[0]
        return "open" if first % 2 == 0 else "held"


@dataclass(frozen=True)
class Score:
    """How many of a half were right, with Wilson's interval."""

    half: str
    right: int
    of: int
    share: float
    low: float
    high: float


def read(file: Path = FILE) -> list[Complaint]:
    """All complaints."""
    rows = (line for line in file.read_text(encoding="utf-8").splitlines() if line and line[0] != "#")
    complaints: list[Complaint] = []
    for row in rows:
        text, _, meaning = row.partition(" => ")
        parts = (part.strip() for part in meaning.split(","))
        complaints.append(Complaint(text, frozenset((phrase(part[1:]), part[0] == "+") for part in parts)))
    return complaints


def understood(text: str) -> Meaning:
    """What the revision of a list makes of a complaint."""
    changes = revise(None, text).changes
    return frozenset((phrase(change.concept), change.direction == "allow") for change in changes)


def wilson(right: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    share = right / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return middle - half, middle + half


def score(half: str, complaints: list[Complaint]) -> Score:
    """The figures of one half."""
    counted = [complaint for complaint in complaints if complaint.half == half]
    right = sum(understood(complaint.text) == complaint.means for complaint in counted)
    low, high = wilson(right, len(counted))
    return Score(half, right, len(counted), right / len(counted), low, high)


def main() -> int:
    """Prints the figures; 1 where the held-back half misses the goal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=("open", "held"), help="only this one")
    parser.add_argument("--wrong", action="store_true", help="also print what was not understood")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    arguments = parser.parse_args()
    complaints = read()
    scores = [score(half, complaints) for half in ("open", "held") if arguments.half in (None, half)]
    for half in scores:
        share = f"{half.share:6.1%}, 95 % interval {half.low:.1%} to {half.high:.1%}"
        print(f"{half.half:5} {half.right:3} of {half.of:3} right: {share}")
    if arguments.wrong:
        for complaint in complaints:
            meaning = understood(complaint.text)
            if arguments.half in (None, complaint.half) and meaning != complaint.means:
                print(f"{complaint.text!r}\n    means {sorted(complaint.means)}\n    read  {sorted(meaning)}")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(half) for half in scores], indent=1), encoding="utf-8")
    return 0 if all(half.share >= GOAL for half in scores if half.half == "held") else 1


if __name__ == "__main__":
    sys.exit(main())
