"""Votes: a person looks at pairs, blind, and says which of the two pictures are as asked."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, final

from PIL import Image

from negspace.errors import LabError
from negspace.frozen import Frozen
from negspace.lab.json_lines import JsonLinesFile
from negspace.lab.effects import Effect, tally
from negspace.lab.proof import Proof
from negspace.lab.question import Question
from negspace.lab.study import StudyResult, futile, shown_of
from negspace.lab.trial import Design, Trial
from negspace.lab.results import ProofResult, TermVerdict
from negspace.lab.wording import percent
from negspace.request import Avoid

Answer = Literal["left", "right", "both", "neither"]

PAIRS: Final = 40
"""Pairs a term at most: a person gets tired."""

LEAST: Final = 8

WHO: Final = "a person, blind"


@final
class Vote(Frozen):
    """What a person said of one pair.

    Attributes:
        term, seed: which pair; the seed is counted from the first.
        without_left: whether the picture without the negative was on the left.
        answer: which of the two were as asked.
    """

    term: str
    seed: int
    without_left: bool
    answer: Answer

    @property
    def amiss(self) -> tuple[bool, bool]:
        """Whether the picture without and that with it were not as asked."""
        left = self.answer not in ("left", "both")
        right = self.answer not in ("right", "both")
        return (left, right) if self.without_left else (right, left)


@final
@dataclass(frozen=True)
class BlindPair:
    """One pair to be shown.

    Attributes:
        number: of the vote, from 1.
        prompt: what was wanted.
        term: what was not.
        seed: counted from the first.
        without_left: whether the picture without the negative is on the left. Not to be shown.
    """

    number: int
    prompt: str
    term: str
    seed: int
    without_left: bool


@final
class VotingSession:
    """A vote under way. Which pair comes next follows from the question and the votes so far alone.

    Args:
        proof: makes the pictures; its own witness is not asked.
        folder: where the votes are kept, in `votes.jsonl`, each as soon as it is given.
        pairs: of a term at most.

    Raises:
        OutputError: the folder cannot be written or is in use, or a line is damaged.
    """

    def __init__(self, proof: Proof, folder: Path, pairs: int = PAIRS) -> None:
        self._proof = proof
        self._asked: Question = proof.question
        self._pairs = pairs
        self._lines = JsonLinesFile(folder / "votes.jsonl", Vote)
        self._votes = {(vote.term, vote.seed): vote for vote in self._lines.values}
        self._shown: dict[tuple[str, int], tuple[Image.Image, Image.Image]] = {}  # of the block at hand

    def __enter__(self) -> "VotingSession":
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()

    @property
    def voted(self) -> int:
        """Votes so far."""
        return len(self._votes)

    @property
    def most(self) -> int:
        """Votes in all, at most."""
        return self._pairs * len(self._asked.tested)

    def next_pair(self) -> BlindPair | None:
        """The next pair, with its pictures made; None where everything is decided."""
        wanted = self._next()
        if wanted is None:
            return None
        one, seed = wanted
        rng = random.Random(f"{self._asked.base.seed} {one.term} {seed}")
        prompts = self._asked.prompts
        return BlindPair(self.voted + 1, prompts[seed % len(prompts)], one.term, seed, rng.random() < 0.5)

    def pictures(self, duel: BlindPair) -> tuple[Image.Image, Image.Image]:
        """What is on the left and on the right of a pair."""
        one = next(term for term in self._asked.tested if term.term == duel.term)
        if (one.term, duel.seed) not in self._shown:
            first = duel.seed - duel.seed % self._asked.sizes.block
            block = range(first, min(first + self._asked.sizes.block, self._pairs))
            made = self._proof.pairs(one, block)
            self._shown = {(one.term, seed): pair for seed, pair in zip(block, made, strict=True)} | {
                key: pair for key, pair in self._shown.items() if key[1] in block
            }
        without, with_it = self._shown[one.term, duel.seed]
        return (without, with_it) if duel.without_left else (with_it, without)

    def vote(self, number: int, answer: Answer) -> None:
        """Take a vote on the pair at hand.

        Raises:
            LabError: it is for another pair, as where two pages are open.
        """
        duel = self.next_pair()
        if duel is None or duel.number != number:
            raise LabError(f"vote {number} is not for the pair at hand; load the page again")
        vote = Vote(term=duel.term, seed=duel.seed, without_left=duel.without_left, answer=answer)
        self._lines.add([vote])
        self._votes[duel.term, duel.seed] = vote

    def result(self) -> ProofResult:
        """What the votes say so far."""
        trials = {one.term: self._trial(one) for one in self._asked.tested}
        shown = shown_of(trials, self._asked.alpha)
        verdicts = {
            one.term: _verdict(one, trials.get(one.term), one.term in shown, self._asked)
            for one in self._asked.terms
        }
        smallest = tuple(term for term, verdict in verdicts.items() if verdict.kind == "helps")
        return self._proof.result(StudyResult(verdicts, None, (), smallest, None, ()), WHO)

    def _next(self) -> tuple[Avoid, int] | None:
        """The first pair without a vote: block after block, within a block in an order of chance."""
        block = self._asked.sizes.block
        active: Sequence[Avoid] = self._asked.tested
        for start in range(0, self._pairs, block):
            duels = [(one, seed) for seed in range(start, min(start + block, self._pairs)) for one in active]
            random.Random(f"{self._asked.base.seed} {start}").shuffle(duels)
            for one, seed in duels:
                if (one.term, seed) not in self._votes:
                    return one, seed
            trials = {one.term: self._trial(one) for one in self._asked.tested}
            shown = shown_of(trials, self._asked.alpha)
            if start + block >= LEAST:
                active = [one for one in active if one.term not in shown and not futile(trials[one.term])]
        return None

    def _trial(self, one: Avoid) -> Trial:
        seeds = (seed for seed in range(self._pairs) if (one.term, seed) in self._votes)
        design = Design(alpha=self._asked.alpha, smallest=self._asked.smallest, most=self._pairs)
        return tally((self._votes[one.term, seed].amiss for seed in seeds), design)


def _verdict(one: Avoid, trial: Trial | None, shown: bool, asked: Question) -> TermVerdict:
    idle = asked.early_verdict(one.term)
    if idle is not None:
        return TermVerdict(term=one, kind=idle[0], why=idle[1])
    if trial is None or trial.pairs == 0:
        return TermVerdict(term=one, kind="no_evidence", why="nobody voted on it")
    amiss = Effect.of(trial)
    kind = ("helps" if amiss.effect > 0 else "harms") if shown else "no_evidence"
    said = (
        f"as asked in {percent(1 - amiss.before)} of the pictures without it, {percent(1 - amiss.after)} with it"
    )
    return TermVerdict(
        term=one,
        kind=kind,
        why=f"{said}, as a person saw them",
        effect=amiss.effect,
        interval=amiss.interval,
        pairs=amiss.pairs,
        amiss=amiss,
    )
