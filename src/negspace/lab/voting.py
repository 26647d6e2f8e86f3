"""Votes: a person looks at pairs of pictures, blind, and says which of the two are as asked."""

import random
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, final

from PIL import Image

from negspace.errors import LabError
from negspace.frozen import Frozen
from negspace.lab.effects import Effect, tally
from negspace.lab.json_lines import JsonLinesFile
from negspace.lab.limits import pairs_needed
from negspace.lab.proof import Proof
from negspace.lab.results import ProofResult, TermVerdict
from negspace.lab.study import StudyResult, kind_of, shown_terms, undecided
from negspace.lab.trial import Trial
from negspace.lab.wording import as_asked_text
from negspace.request import Avoid

Answer = Literal["left", "right", "both", "neither"]

PAIRS: Final = 40
"""Most pairs per term: a person gets tired."""

LEAST: Final = 8
"""Pairs before a term may stop."""

WITNESS: Final = "a person, blind"


@final
class Vote(Frozen):
    """The answer of a person about one pair.

    Attributes:
        term, seed: which pair; the seed is counted from the first seed.
        without_left: whether the picture without the negative was on the left.
        answer: which of the two were as asked.
    """

    term: str
    seed: int
    without_left: bool
    answer: Answer

    @property
    def amiss(self) -> tuple[bool, bool]:
        """Whether the picture without and that with the negative were not as asked."""
        left = self.answer not in ("left", "both")
        right = self.answer not in ("right", "both")
        return (left, right) if self.without_left else (right, left)


@final
@dataclass(frozen=True)
class BlindPair:
    """Two pictures that are shown side by side.

    Attributes:
        number: of the vote, from 1.
        prompt, term: what was wanted, and what was not.
        seed: counted from the first seed.
        without_left: whether the picture without the negative is on the left; the person must not know.
    """

    number: int
    prompt: str
    term: str
    seed: int
    without_left: bool


@final
class VotingSession(AbstractContextManager["VotingSession"]):
    """A vote that is being taken. The next pair follows only from the question and the votes so far.

    Args:
        proof: makes the pictures; its own witness is not used.
        folder: where the votes are kept, in `votes.jsonl`, each as soon as it is given.
        pairs: most pairs per term.

    Raises:
        OutputError: the folder cannot be written or is in use, or a line is damaged.
    """

    def __init__(self, proof: Proof, folder: Path, pairs: int = PAIRS) -> None:
        self._proof = proof
        self._question = proof.question
        self._pairs = pairs
        self._lines = JsonLinesFile(folder / "votes.jsonl", Vote)
        self._votes = {(vote.term, vote.seed): vote for vote in self._lines.values}
        self._pictures: dict[tuple[str, int], tuple[Image.Image, Image.Image]] = {}  # of the current block

    def __exit__(self, *_: object) -> None:
        self._lines.close()

    @property
    def voted(self) -> int:
        """Votes so far."""
        return len(self._votes)

    @property
    def most(self) -> int:
        """The most votes that may be needed."""
        return self._pairs * len(self._question.tested)

    def next_pair(self) -> BlindPair | None:
        """The next pair; None if everything is decided."""
        following = self._next()
        if following is None:
            return None
        avoided, seed = following
        rng = random.Random(f"{self._question.base.seed} {avoided.term} {seed}")
        prompt = self._question.prompts[self._question.prompt_number(seed)]
        return BlindPair(self.voted + 1, prompt, avoided.term, seed, rng.random() < 0.5)

    def pictures(self, pair: BlindPair) -> tuple[Image.Image, Image.Image]:
        """The left and the right picture of a pair, made where they are missing."""
        avoided = next(tested for tested in self._question.tested if tested.term == pair.term)
        if (pair.term, pair.seed) not in self._pictures:
            size = self._question.block
            first = pair.seed - pair.seed % size
            block = range(first, min(first + size, self._pairs))
            made = self._proof.pairs(avoided, block)
            self._pictures = {(pair.term, seed): both for seed, both in zip(block, made, strict=True)} | {
                key: both for key, both in self._pictures.items() if key[1] in block
            }
        without, with_it = self._pictures[pair.term, pair.seed]
        return (without, with_it) if pair.without_left else (with_it, without)

    def vote(self, number: int, answer: Answer) -> None:
        """Take a vote on the current pair.

        Raises:
            LabError: it is for another pair, as when two pages are open.
        """
        pair = self.next_pair()
        if pair is None or pair.number != number:
            raise LabError(f"vote {number} is not for the pair at hand; load the page again")
        vote = Vote(term=pair.term, seed=pair.seed, without_left=pair.without_left, answer=answer)
        self._lines.add([vote])
        self._votes[pair.term, pair.seed] = vote

    def result(self) -> ProofResult:
        """What the votes show so far."""
        trials, shown = self._trials()
        verdicts = {
            avoided.term: self._verdict(avoided, trials.get(avoided.term), avoided.term in shown)
            for avoided in self._question.terms
        }
        smallest = tuple(term for term, verdict in verdicts.items() if verdict.kind == "helps")
        return self._proof.result(StudyResult(verdicts, None, (), smallest, None, ()), WITNESS)

    def _next(self) -> tuple[Avoid, int] | None:
        """The first pair without a vote: block after block, within a block in random order."""
        block = self._question.block
        active = self._question.tested
        for start in range(0, self._pairs, block):
            seeds = range(start, min(start + block, self._pairs))
            pairs = [(avoided, seed) for seed in seeds for avoided in active]
            random.Random(f"{self._question.base.seed} {start}").shuffle(pairs)
            for avoided, seed in pairs:
                if (avoided.term, seed) not in self._votes:
                    return avoided, seed
            trials, shown = self._trials()
            if start + block >= LEAST:
                active = undecided(active, trials, shown)
        return None

    def _trials(self) -> tuple[dict[str, Trial], frozenset[str]]:
        """The trial of each tested term, and the terms whose effect is shown."""
        trials = {avoided.term: self._trial(avoided.term) for avoided in self._question.tested}
        return trials, shown_terms(trials, self._question.alpha)

    def _trial(self, term: str) -> Trial:
        votes = [self._votes[term, seed] for seed in range(self._pairs) if (term, seed) in self._votes]
        return tally((vote.amiss for vote in votes), self._question.design(self._pairs))

    def _verdict(self, avoided: Avoid, trial: Trial | None, shown: bool) -> TermVerdict:
        if early := self._question.early_verdict(avoided.term):
            return early
        if trial is None or trial.pairs == 0:
            return TermVerdict(term=avoided, kind="no_evidence", why="nobody voted on it", needs="votes")
        amiss = Effect.stopped(trial)
        kind = kind_of(amiss, shown)
        needs = pairs_needed(self._question, trial, []) if kind == "no_evidence" else ""
        return TermVerdict(
            term=avoided,
            kind=kind,
            why=f"{as_asked_text(amiss)}, as a person saw them",
            effect=amiss.effect,
            interval=amiss.interval,
            pairs=amiss.pairs,
            amiss=amiss,
            needs=needs,
        )
