"""Trial: a measured comparison on the same seeds that may be looked at after every pair."""

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

Kind = Literal["helps", "harms", "no_evidence"]
Reason = Literal["evidence", "futile", "spent"]
# How a trial can stand, by the numbers that `ends` gives; None while it goes on.
ENDS: tuple[tuple[Kind, Reason] | None, ...] = (
    None,
    ("helps", "evidence"),
    ("harms", "evidence"),
    ("no_evidence", "futile"),
    ("no_evidence", "spent"),
)
OpenShare = Annotated[float, Field(gt=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=0)]


class Design(Frozen):
    """What is settled before the first picture.

    Attributes:
        alpha: chance of "helps" or "harms" where there is no effect, over all looks together; also the chance
            of stopping as futile where the effect is `smallest` or more.
        smallest: the net share of pictures that would be worth having; whatever is shown to be smaller is
            given up.
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
        reason: "evidence" of an effect; "futile", any effect is shown to be smaller than the smallest worth
            having; or "spent", all pairs were made and neither was shown.
        effect: net share of pictures that were saved, (helped - harmed) / pairs.
        interval: of the effect, valid at the moment of stopping.
        pairs: how many were made.
    """

    kind: Kind
    reason: Reason
    effect: float
    interval: tuple[float, float]
    pairs: int


def ends(
    design: Design, helped: NDArray[np.int64], harmed: NDArray[np.int64], pairs: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Whether and how a trial ends at these counts, as places in `ENDS`. The one rule of stopping.

    Helps or harms: the evidence of one direction is 2 / alpha, so that each has half of alpha; both at once
    cannot be. Futile: the evidence that the net share is below `smallest`, and that above -`smallest`, are
    both 1 / alpha; it is a claim about both sides at once, so each may have all of alpha.

    Args:
        helped, harmed, pairs: counts, one row each.
    """
    found, futile = math.log(2 / design.alpha), math.log(1 / design.alpha)
    sides = ((helped, harmed), (harmed, helped))
    effects = [log_evidence(won, lost, pairs) >= found for won, lost in sides]
    small = [log_evidence(won, lost, pairs, beyond=-design.smallest) >= futile for won, lost in sides]
    return np.select([*effects, small[0] & small[1], pairs >= design.most], [1, 2, 3, 4], 0)


@lru_cache(maxsize=65536)
def _end_at(alpha: float, smallest: float, most: int, helped: int, harmed: int, pairs: int) -> int:
    """`ends` for one trial, remembered: it is asked before and after every pair."""
    design = Design(alpha=alpha, smallest=smallest, most=most)
    return int(ends(design, *(np.array([count]) for count in (helped, harmed, pairs)))[0])


class Trial(Frozen):
    """Pairs of pictures on the same seeds, without and with what is tested, and what they show so far.

    The counts are the whole state: all evidence is computed from them, so a trial that was saved and read
    back goes on with the same numbers. Pairs are observed in the order of their seeds, whoever made them
    first.

    Attributes:
        design: settled before the first picture.
        helped: pairs in which the unwanted thing is there without, and gone with it.
        harmed: pairs in which it is there only with it.
        kept: pairs in which it is there both times.
        clear: pairs in which it is never there.
    """

    design: Design = Design()
    helped: Count = 0
    harmed: Count = 0
    kept: Count = 0
    clear: Count = 0

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
            without, with_it: whether the unwanted thing is in the picture made without and in that made with
                what is tested.

        Raises:
            LabError: the trial has ended.
        """
        if ended := self._end:
            raise LabError(
                f"Trial: it ended after {self.pairs} pairs ({ended[0]}); start a new one on new seeds"
            )
        cell = {(1, 0): "helped", (0, 1): "harmed", (1, 1): "kept", (0, 0): "clear"}[
            (int(without), int(with_it))
        ]
        return self.model_copy(update={cell: getattr(self, cell) + 1})

    def run(self, pairs: Iterable[tuple[bool, bool]]) -> "Trial":
        """The trial after these pairs, or as many as it takes to end. None is drawn beyond the end."""
        trial = self
        source = iter(pairs)
        while trial._end is None and (pair := next(source, None)) is not None:
            trial = trial.observe(*pair)
        return trial

    @property
    def _end(self) -> tuple[Kind, Reason] | None:
        design = self.design
        return ENDS[_end_at(design.alpha, design.smallest, design.most, self.helped, self.harmed, self.pairs)]
