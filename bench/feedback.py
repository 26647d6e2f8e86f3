"""How often a complaint is understood: `python -m bench.feedback [--set NAME] [--wrong] [--json FILE]`.

Two collections, each in two halves; the rules and the lexicon were made while looking at the open ones only.

`bench/complaints.txt` (sets `open`, `held`) has complaints with the concepts that they mean, each with its
polarity (against or for); one too many or one missed is wrong. A hash decides on the half.

`bench/everyday/` (sets `everyday-open` to `everyday-open7`, `everyday-held`) has everyday sentences of all
sorts, praise, success, questions and unclear ones among them, beside what is avoided at the time. The first
lines of a lot say how many were right when it was first measured; open4 to open6 have other authors. A
sentence is right where exactly the changes that it asks for are made, or, where it asks for none, it is taken
for what it is. A change the wrong way pushes away what is wanted, or lets in what is not.

The intervals are Wilson's, 95 %.
"""

import argparse
import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path

from negspace.avoid.matching import phrase
from negspace.feedback.revision import Change, revise

FILE = Path(__file__).with_name("complaints.txt")
EVERYDAY = Path(__file__).with_name("everyday")
GOALS = {"held": 0.85, "everyday-held": 0.95}
OPEN_LOTS = ("open", "open2", "open3", "open4", "open5", "open6", "open7")
SETS = ("open", "held", *(f"everyday-{lot}" for lot in OPEN_LOTS), "everyday-held")
KINDS = ("praise", "success", "question", "again", "wish", "unclear")
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
    """How many of a set were right, with Wilson's interval, and how many were read the wrong way."""

    half: str
    right: int
    of: int
    share: float
    low: float
    high: float
    wrong_way: int = 0
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """A change that a sentence asks for: any of some names, and how strongly; "" is any strength."""

    names: frozenset[tuple[str, ...]]
    for_it: bool
    strength: str

    @classmethod
    def read(cls, text: str) -> "Wanted":
        name, _, strength = text[1:].partition(" (")
        return cls(frozenset(map(phrase, name.split("/"))), text[0] == "+", strength.rstrip(")"))

    def fits(self, change: Change) -> bool:
        names = {phrase(change.concept), phrase(change.term)}
        level = "slight" if change.strength < 1 else "strong" if change.strength > 1 else "plain"
        same = self.for_it == (change.direction == "allow") and bool(names & self.names)
        return same and self.strength in ("", level)


@dataclass(frozen=True)
class Everyday:
    """An everyday sentence, what is avoided when it falls, and what it asks for.

    Attributes:
        wanted: the changes.
        kinds: what it may be told for, where it asks for none.
    """

    text: str
    avoid: str
    wanted: tuple[Wanted, ...]
    kinds: frozenset[str]

    @classmethod
    def read(cls, row: str) -> "Everyday":
        sentence, _, meaning = row.partition(" => ")
        text, _, avoid = sentence.partition(" | ")
        if meaning[0] not in "+-":
            return cls(text, avoid, (), frozenset(meaning.replace("done", "success").split("/")))
        return cls(text, avoid, tuple(map(Wanted.read, meaning.split(", "))), frozenset())

    def is_right(self) -> bool:
        """Whether exactly what it asks for is done."""
        revision = revise(self.avoid, self.text)
        made = [change for change in revision.changes if change.why_not is None]
        if not self.wanted:
            return not made and bool(self.kinds & {statement.kind for statement in revision.statements})
        asked_for = all(any(want.fits(change) for want in self.wanted) for change in made)
        return asked_for and all(any(map(want.fits, revision.changes)) for want in self.wanted)

    def is_wrong_way(self) -> bool:
        """Whether something wanted is pushed away, or something unwanted let in."""
        made = [change for change in revise(self.avoid, self.text).changes if change.why_not is None]
        directions = {want.for_it for want in self.wanted}
        opposite = [(phrase(change.concept), change.direction != "allow") for change in made]
        clash = any(
            name in want.names and against == want.for_it
            for want in self.wanted
            for name, against in opposite
        )
        return clash or any((not against) not in directions for _, against in opposite)


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
    wrong = tuple(complaint.text for complaint in counted if understood(complaint.text) != complaint.means)
    right = len(counted) - len(wrong)
    low, high = wilson(right, len(counted))
    return Score(half, right, len(counted), right / len(counted), low, high, wrong=wrong)


def score_everyday(half: str) -> Score:
    """The figures of a half of the everyday sentences."""
    rows = (EVERYDAY / f"{half}.txt").read_text(encoding="utf-8").splitlines()
    sentences = [Everyday.read(row) for row in rows if row and row[0] != "#"]
    wrong = tuple(sentence.text for sentence in sentences if not sentence.is_right())
    right, of = len(sentences) - len(wrong), len(sentences)
    low, high = wilson(right, of)
    wrong_way = sum(sentence.is_wrong_way() for sentence in sentences)
    return Score(f"everyday-{half}", right, of, right / of, low, high, wrong_way, wrong)


def main() -> int:
    """Prints the figures; 1 where the held-back half misses the goal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", choices=SETS, help="only this one")
    parser.add_argument(
        "--wrong", action="store_true", help="also print what was not understood, of the open halves"
    )
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    arguments = parser.parse_args()
    scores = [_score(name) for name in SETS if arguments.set in (None, name)]
    for half in scores:
        share = f"{half.share:6.1%}, 95 % interval {half.low:.1%} to {half.high:.1%}"
        print(f"{half.half:13} {half.right:3} of {half.of:3} right: {share}; {half.wrong_way} the wrong way")
        if arguments.wrong and "held" not in half.half:
            print(*(f"    {text}" for text in half.wrong), sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(half) for half in scores], indent=1), encoding="utf-8")
    missed = [half for half in scores if half.share < GOALS.get(half.half, 0.0) or half.wrong_way]
    return 1 if missed else 0


def _score(name: str) -> Score:
    return score_everyday(name.removeprefix("everyday-")) if "-" in name else score(name, read())


if __name__ == "__main__":
    sys.exit(main())
