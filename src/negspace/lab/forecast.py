"""What a trial will cost and find, said before the start: exact, by counting every course it can take."""

from dataclasses import dataclass
from typing import final

import numpy as np

from negspace.errors import LabError
from negspace.lab.trial import ENDS, Design, ends

# Courses of this chance are not followed: with 300 pairs there are 45,000 of them at most.
NEGLIGIBLE = 1e-16


@final
@dataclass(frozen=True)
class Forecast:
    """Attributes:
    helps, harms, futile, spent: chances of the four ends; they sum to 1.
    mean: pairs made on average.
    median, late: pairs by which half and nine tenths of all trials have ended.
    """

    helps: float
    harms: float
    futile: float
    spent: float
    mean: float
    median: int
    late: int


def forecast(design: Design, helped: float, harmed: float) -> Forecast:
    """How a trial goes where each pair helps and harms with these chances.

    For a win rate w among decided pairs and a share s of decided pairs, helped = s w and harmed = s (1 - w).
    Memory and time grow with the square and the cube of `design.most`: a second at 300 pairs.

    Raises:
        LabError: the chances are negative or sum to more than 1.
    """
    if min(helped, harmed) < 0 or helped + harmed > 1:
        raise LabError(f"chances: {helped} and {harmed} must be at least 0 and sum to at most 1")
    most = design.most
    by_end = np.zeros((len(ENDS), most + 1))
    course = np.zeros((most + 1, most + 1))  # chance of being at (helped, harmed) and still going on
    course[0, 0] = 1.0
    for pair in range(1, most + 1):
        before = course[: pair + 1, : pair + 1].copy()
        course *= 1 - helped - harmed
        course[1 : pair + 1, : pair + 1] += helped * before[:-1]
        course[: pair + 1, 1 : pair + 1] += harmed * before[:, :-1]
        wins, losses = np.nonzero(course > NEGLIGIBLE)
        stands = ends(design, wins, losses, np.full_like(wins, pair))
        chances = course[wins, losses]
        by_end[:, pair] = np.bincount(stands, chances, minlength=len(ENDS))
        course[wins, losses] = np.where(stands == 0, chances, 0.0)
    chance = dict(zip(ENDS, by_end.sum(axis=1).tolist(), strict=True))
    by_pair = by_end[1:].sum(axis=0)
    ended = np.cumsum(by_pair) / by_pair.sum()
    return Forecast(
        helps=chance["helps", "evidence"],
        harms=chance["harms", "evidence"],
        futile=chance["no_evidence", "futile"],
        spent=chance["no_evidence", "spent"],
        mean=float(by_pair @ np.arange(most + 1)),
        median=int(np.argmax(ended >= 0.5)),
        late=int(np.argmax(ended >= 0.9)),
    )
