"""A trial: pairs of pictures on the same seeds, with a verdict that may be inspected after every pair."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from negspace.errors import LabError
from negspace.frozen import Frozen
from negspace.lab.stats.evidence import log_evidence, net_interval

TrialKind = Literal["helps", "harms", "no_evidence"]
Reason = Literal["evidence", "futile", "spent"]
# How a trial can end, by the numbers that `end_numbers` gives; None while it goes on.
ENDS: tuple[tuple[TrialKind, Reason] | None, ...] = (
    None,
    ("helps", "evidence"),
    ("harms", "evidence"),
    ("no_evidence", "futile"),
    ("no_evidence", "spent"),
)
OpenShare = Annotated[float, Field(gt=0.0, lt=1.0)]
PictureCount = Annotated[int, Field(ge=0)]

NEGLIGIBLE = 1e-16
"""A forecast drops states of this probability; with 300 pairs there are at most 45,000 states."""


class Design(Frozen):
    """What is settled before the first picture.

    Attributes:
        alpha: chance of "helps" or "harms" if there is no effect, over all inspections together; also the
            chance of stopping as futile if the effect is `smallest` or more.
        smallest: the smallest net share of pictures that is worth having; a trial stops once its effect is
            shown to be smaller.
        most: pairs after which the trial ends in any case.
    """

    alpha: OpenShare = 0.05
    smallest: OpenShare = 0.1
    most: Annotated[int, Field(ge=1)] = 300


@final
@dataclass(frozen=True)
class TrialVerdict:
    """How a trial ended.

    Attributes:
        kind: "helps", "harms" or "no_evidence".
        reason: "evidence" of an effect; "futile", any effect is shown to be smaller than `Design.smallest`;
            or "spent", all pairs were made and neither was shown.
        effect: net share of pictures that got better, (helped - harmed) / pairs.
        interval: of the effect, valid at the moment of stopping.
    """

    kind: TrialKind
    reason: Reason
    effect: float
    interval: tuple[float, float]
    pairs: int


def end_numbers(
    design: Design, helped: NDArray[np.int64], harmed: NDArray[np.int64], pairs: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Whether and how trials end at these counts, one row each, as indices of `ENDS`. The only stopping rule.

    Helps or harms: the evidence of one direction reaches 2 / alpha, so that each direction has half of alpha;
    both cannot happen at once. Futile: the evidence that the net share is below `smallest`, and that it is
    above -`smallest`, both reach 1 / alpha; this is one claim about both sides, so each may use all of alpha.
    """
    decisive, futile = math.log(2 / design.alpha), math.log(1 / design.alpha)
    sides = ((helped, harmed), (harmed, helped))
    effects = [log_evidence(won, lost, pairs) >= decisive for won, lost in sides]
    small = [log_evidence(won, lost, pairs, beyond=-design.smallest) >= futile for won, lost in sides]
    return np.select([*effects, small[0] & small[1], pairs >= design.most], [1, 2, 3, 4], 0)


@lru_cache(maxsize=65536)
def _end_at(alpha: float, smallest: float, most: int, helped: int, harmed: int, pairs: int) -> int:
    """`end_numbers` for one trial, cached because it is needed before and after every pair."""
    design = Design(alpha=alpha, smallest=smallest, most=most)
    return int(end_numbers(design, *(np.array([count]) for count in (helped, harmed, pairs)))[0])


class Trial(Frozen):
    """Pairs of pictures on the same seeds, without and with what is tested, and what they show so far.

    The counts are the whole state: all evidence is computed from them, so a trial that was saved and read
    back continues with the same numbers. Pairs are observed in the order of their seeds.

    Attributes:
        helped, harmed: pairs in which only the picture without, and only that with, has the unwanted thing.
        kept, clear: pairs in which both pictures have it, and in which neither has.
    """

    design: Design = Design()
    helped: PictureCount = 0
    harmed: PictureCount = 0
    kept: PictureCount = 0
    clear: PictureCount = 0

    @model_validator(mode="after")
    def _ends_in_time(self) -> Self:
        if self.pairs > self.design.most:
            raise LabError(f"Trial: {self.pairs} pairs are more than its design allows ({self.design.most})")
        return self

    @property
    def pairs(self) -> int:
        """How many pairs were observed."""
        return self.helped + self.harmed + self.kept + self.clear

    @property
    def log_evidence(self) -> float:
        """Natural logarithm of the e-value against "no effect", the mean of both directions, for `e_bh`."""
        both = log_evidence((self.helped, self.harmed), (self.harmed, self.helped), self.pairs)
        return float(np.logaddexp(*both)) - math.log(2)

    @property
    def p(self) -> float:
        """p-value of no effect that is valid at every inspection: 1 over the evidence, at most 1."""
        return math.exp(min(0.0, -self.log_evidence))

    @property
    def futile(self) -> bool:
        """Whether it ended because any effect is shown to be smaller than `Design.smallest`."""
        return self._end == ("no_evidence", "futile")

    @property
    def verdict(self) -> TrialVerdict | None:
        """How the trial ended, or None while it goes on."""
        end = self._end
        if end is None:
            return None
        interval = net_interval(self.helped, self.harmed, self.pairs, alpha=self.design.alpha)
        return TrialVerdict(*end, (self.helped - self.harmed) / self.pairs, interval, self.pairs)

    def observe(self, without: bool, with_it: bool) -> "Trial":
        """The trial after one more pair.

        Args:
            without, with_it: whether the unwanted thing is in the picture without what is tested, and in the
                picture with it.

        Raises:
            LabError: the trial has ended.
        """
        if ended := self._end:
            message = f"Trial: it ended after {self.pairs} pairs ({ended[0]}); start a new one on new seeds"
            raise LabError(message)
        cell = (("clear", "harmed"), ("helped", "kept"))[int(without)][int(with_it)]
        return self.model_copy(update={cell: getattr(self, cell) + 1})

    def run(self, pairs: Iterable[tuple[bool, bool]]) -> "Trial":
        """The trial after these pairs, or after as many as it takes to end; no further pair is taken."""
        trial = self
        source = iter(pairs)
        while trial._end is None and (pair := next(source, None)) is not None:
            trial = trial.observe(*pair)
        return trial

    @property
    def _end(self) -> tuple[TrialKind, Reason] | None:
        design = self.design
        return ENDS[_end_at(design.alpha, design.smallest, design.most, self.helped, self.harmed, self.pairs)]


@final
@dataclass(frozen=True)
class Forecast:
    """How a trial is expected to end.

    Attributes:
        helps, harms, futile, spent: chances of the four ends; they sum to 1.
        mean: pairs made on average.
        median, late: pairs after which half and nine tenths of all trials have ended.
    """

    helps: float
    harms: float
    futile: float
    spent: float
    mean: float
    median: int
    late: int


def forecast(design: Design, helped: float, harmed: float) -> Forecast:
    """How a trial ends if each pair helps and harms with these chances. Exact: it follows every state.

    For a win rate w among decided pairs and a share s of decided pairs, helped = s w and harmed = s (1 - w).
    Memory grows with the square of `design.most`, time with its cube: one second at 300 pairs.

    Raises:
        LabError: the chances are negative or sum to more than 1.
    """
    if min(helped, harmed) < 0 or helped + harmed > 1:
        raise LabError(f"chances: {helped} and {harmed} must be at least 0 and sum to at most 1")
    most = design.most
    by_end = np.zeros((len(ENDS), most + 1))
    chance = np.zeros((most + 1, most + 1))  # of having (helped, harmed) pairs and going on
    chance[0, 0] = 1.0
    for pair in range(1, most + 1):
        before = chance[: pair + 1, : pair + 1].copy()
        chance *= 1 - helped - harmed
        chance[1 : pair + 1, : pair + 1] += helped * before[:-1]
        chance[: pair + 1, 1 : pair + 1] += harmed * before[:, :-1]
        wins, losses = np.nonzero(chance > NEGLIGIBLE)
        end = end_numbers(design, wins, losses, np.full_like(wins, pair))
        reached = chance[wins, losses]
        by_end[:, pair] = np.bincount(end, reached, minlength=len(ENDS))
        chance[wins, losses] = np.where(end == 0, reached, 0.0)
    ending = dict(zip(ENDS, by_end.sum(axis=1).tolist(), strict=True))
    by_pair = by_end[1:].sum(axis=0)
    ended = np.cumsum(by_pair) / by_pair.sum()
    return Forecast(
        helps=ending["helps", "evidence"],
        harms=ending["harms", "evidence"],
        futile=ending["no_evidence", "futile"],
        spent=ending["no_evidence", "spent"],
        mean=float(by_pair @ np.arange(most + 1)),
        median=int(np.argmax(ended >= 0.5)),
        late=int(np.argmax(ended >= 0.9)),
    )
