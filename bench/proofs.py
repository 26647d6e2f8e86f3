"""Whether proofs keep what they promise where prompts differ: `python -m bench.proofs [--proofs N]`.

No picture is drawn: what a judge sees in one is decided by chance from its request. Everything else is that
of `negspace prove`: the question asks for pictures, the study looks at their records, the answer is worded.
The avoided thing is a hat, and every prompt has its own chance of one, without and with the negative.

First table: lists of 40, 60 and 120 prompts, in the file ordered by what the negative does to them. Where it
does nothing on average, "helps" and "harms" are false; where it helps a little, "harms" is. Second table:
judges that cannot see, budgets that cannot find; any advice to leave the hat out is one too many.

About ten minutes of one core. 1 where a promise is broken.
"""

import argparse
import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import binomtest

from negspace.facts import ModelFacts
from negspace.lab.arms import ablation
from negspace.lab.picture_store import PictureRecord, PictureSpec
from negspace.lab.question import Question
from negspace.lab.results import ProofSizes
from negspace.lab.study import Study, StudyResult
from negspace.lab.witness import Witness
from negspace.lab.wording import answer_text, recommendation_text
from negspace.planning.plan import plan
from negspace.request import Avoid, Request

PROMPTS = (40, 60, 120)
HAT = (Avoid(term="hat"),)
FACTS = ModelFacts(name="simulated")
DEFAULT = ProofSizes(side=8, fresh=8, tried=0)
STARVED = ProofSizes(pairs=8, least=8, side=8, fresh=8, tried=0)

Rates = Callable[[float], tuple[float, float]]
"""Chances of a hat without and with the negative, by the place of the prompt in the file, from 0 to 1."""


@dataclass(frozen=True)
class Population:
    """What the negative does to the prompts of a file.

    Attributes:
        allowed: verdicts that are not false.
    """

    name: str
    rates: Rates
    allowed: tuple[str, ...] = ("no_evidence",)


POPULATIONS = (
    Population("half helped, half harmed", lambda place: (0.8, 0.1) if place < 0.5 else (0.1, 0.8)),
    Population("the same, always", lambda place: (1.0, 0.0) if place < 0.5 else (0.0, 1.0)),
    Population("a quarter helped, the rest harmed", lambda place: (0.9, 0.3) if place < 0.25 else (0.3, 0.5)),
    Population("a quarter harmed, the rest helped", lambda place: (0.3, 0.9) if place < 0.25 else (0.5, 0.3)),
    Population("a tenth helped, the rest harmed", lambda place: (1.0, 0.1) if place < 0.1 else (0.2, 0.3)),
    Population("nothing anywhere", lambda _: (0.3, 0.3)),
    Population(
        "4 points better, mixed",
        lambda place: (0.8, 0.22) if place < 0.5 else (0.1, 0.6),
        ("no_evidence", "helps"),
    ),
)


class Spectator(Witness):
    """A judge of simulated pictures, in which it sees what their records say.

    Args:
        names: whether it understands the word "hat".
        proven: whether examples show that it sees one.
    """

    name = "simulated"

    def __init__(self, *, names: bool = True, proven: bool = True) -> None:
        self.things_named = ("cat", "hat") if names else ("cat",)
        self.is_proven = proven

    @property
    def things(self) -> tuple[str, ...]:
        return self.things_named

    def named(self, text: str) -> tuple[str, ...]:
        return tuple(thing for thing in self.things_named if thing in text.split())

    def proven(self, thing: str) -> bool:
        return self.is_proven

    def look(self, pictures: Sequence[Image.Image]) -> list[frozenset[str]]:
        raise NotImplementedError("simulated pictures are not looked at")

    def features(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        raise NotImplementedError("simulated pictures have no pixels")


def question(prompts: int, sizes: ProofSizes, seed: int) -> Question:
    """The question whether a hat should be avoided in so many prompts."""
    texts = tuple(f"a cat , scene {number}" for number in range(prompts))
    base = Request(prompt=texts[0], avoid=HAT, seed=seed)
    arms = ablation(HAT, unrelated="tree", words=("boat", "house"))
    planned = plan(base, FACTS)
    return Question(
        texts, base, planned, arms, (), "not measured", sizes, alpha=0.05, smallest=0.1, candidates=1
    )


def record(spec: PictureSpec, rates: Rates, prompts: int) -> PictureRecord:
    """What is seen in a picture. Without and with the negative, chance decides separately."""
    request = spec.request
    place = int(request.prompt.rsplit(" ", 1)[1]) / prompts
    name = f"{request.prompt} {request.seed} {request.avoid}"
    avoided = request.avoid == HAT
    seen = ("cat", "hat") if random.Random(name).random() < rates(place)[avoided] else ("cat",)
    digest = hashlib.sha256(name.encode()).hexdigest()
    return PictureRecord(
        key=digest[:24],
        witness="simulated",
        sha256=digest,
        seen=seen,
        evaluations=40,
        tokens={},
        acted=avoided,
    )


def prove(question: Question, witness: Witness, rates: Rates) -> StudyResult:
    """A study of a question, to its end."""
    study = Study(question, witness).run()
    try:
        needed = next(study)
        while True:
            needed = study.send([record(spec, rates, len(question.prompts)) for spec in needed.specs])
    except StopIteration as end:
        return end.value


def advises(result: StudyResult) -> bool:
    """Whether the words of a proof advise to leave the hat out."""
    answer = answer_text(result.verdicts, result.smallest, result.confirmation)
    recommendation = recommendation_text(result.tried, result.smallest, result.verdicts)
    return "can go" in answer or not (result.smallest or recommendation.startswith("Cannot say"))


@dataclass(frozen=True)
class Row:
    """What so many proofs of one kind said.

    Attributes:
        kinds: how many had each verdict on the hat.
        false: verdicts that are not true of the prompts.
        advice: how many advise to leave the hat out.
        low_p: how many have McNemar's p of the whole list, on a fixed number of pairs, below 0.05.
        pairs: mean pairs of the hat's trial.
    """

    name: str
    prompts: int
    proofs: int
    kinds: dict[str, int]
    false: int
    advice: int
    low_p: int
    pairs: float

    def __str__(self) -> str:
        interval = binomtest(self.false, self.proofs).proportion_ci(method="exact")
        return (
            f"{self.name:36} {self.prompts:4} false {self.false:3} of {self.proofs} "
            f"[{interval.low:.1%}, {interval.high:.1%}]  advice {self.advice:3}  "
            f"p < 0.05 {self.low_p:3}  {self.pairs:5.1f} pairs  {self.kinds}"
        )


def simulate(
    population: Population,
    prompts: int,
    proofs: int,
    witness: Witness | None = None,
    sizes: ProofSizes = DEFAULT,
    first: int = 0,
) -> Row:
    """Proofs on seeds of their own."""
    kinds: Counter[str] = Counter()
    advice = low_p = pairs = 0
    for proof in range(first, first + proofs):
        single = question(prompts, sizes, seed=proof * 1_000_000)
        result = prove(single, witness or Spectator(), population.rates)
        verdict = result.verdicts["hat"]
        kinds[verdict.kind] += 1
        advice += advises(result)
        low_p += result.whole is not None and result.whole.p < 0.05
        pairs += verdict.pairs
    false = sum(count for kind, count in kinds.items() if kind not in population.allowed)
    return Row(population.name, prompts, proofs, dict(kinds), false, advice, low_p, pairs / proofs)


WORKS = Population("a hat in 80 %, 10 % with it", lambda _: (0.8, 0.1), ("no_evidence", "helps"))
RARE = Population("a hat in 5 %, none with it", lambda _: (0.05, 0.0), ("no_evidence", "helps"))
ABSENT = Population("never a hat", lambda _: (0.0, 0.0))
PRESENT = Population("always a hat", lambda _: (1.0, 1.0))
CHANCE = Population("a hat in 10 % by the toss of a coin", lambda _: (0.1, 0.1))
BLIND = (
    ("does not know the word", WORKS, Spectator(names=False), DEFAULT),
    ("never sees one", ABSENT, Spectator(proven=False), DEFAULT),
    ("always sees one", PRESENT, Spectator(proven=False), DEFAULT),
    ("tosses a coin", CHANCE, Spectator(proven=False), DEFAULT),
    ("8 pairs", WORKS, Spectator(), STARVED),
    ("8 pairs", ABSENT, Spectator(), STARVED),
    ("120 pairs", RARE, Spectator(), DEFAULT),
)
"""Judge or budget in words, what it says of the pictures, the judge, the sizes."""


def main() -> int:
    """Prints the figures; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--proofs", type=int, default=400, help="simulated proofs of each kind")
    parser.add_argument(
        "--blind", type=int, default=100, help="proofs with each blind judge and small budget"
    )
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()
    mixed: list[Row] = []
    for population in POPULATIONS:
        for prompts in PROMPTS:
            mixed.append(simulate(population, prompts, options.proofs))
            print(mixed[-1], flush=True)
    blind: list[Row] = []
    for words, population, witness, sizes in BLIND:
        blind.append(simulate(population, 1, options.blind, witness, sizes))
        print(f"{words:24} {blind[-1]}", flush=True)
    seeing = simulate(ABSENT, 1, options.blind)
    print(f"{'sees it, 120 pairs':24} {seeing}")
    if options.json:
        rows = [asdict(row) for row in (*mixed, *blind, seeing)]
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    kept = all(row.false <= 0.05 * row.proofs for row in mixed) and not any(row.advice for row in blind)
    print("kept" if kept else "broken")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
