"""Dynamic negative guidance with a given posterior."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from negspace.guidance.base import Moment, Step, setting
from negspace.guidance.branch import Branch
from negspace.guidance.shared.terms import FromEmpty, branches_pushed_from, negative_weights, pushed_away
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Strength


@final
@dataclass(frozen=True)
class DngOracle(FromEmpty[None]):
    """d = b - l sum_j w_j (d_nj - b), l = k q/(1 - q), Koulischer et al., arXiv 2410.14398; any space.

    b = d_u + w (d_c - d_u), and q, the posterior of the presence of what is avoided, is given. One evaluation
    for the prompt, one for the empty prompt where w is not 1, one for each avoided term where q is not 0.

    Attributes:
        posterior: q over the schedule, limited to the range from 0 to `most`.
        strength: how much of it acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "dng_oracle"
    formula = "d = b - k q/(1 - q) sum_j w_j (d_nj - b), b = d_u + w (d_c - d_u)"
    paper = "Koulischer et al., Dynamic Negative Guidance of Diffusion Models, arXiv 2410.14398"
    space = "any"

    scale: float = setting(7.5, "w", low=0)
    negative: float = setting(1.0, "k; 1 is exact", low=0)
    most: float = setting(0.99, "upper limit of q", low=0, high=0.999999)
    posterior: Strength = Constant(0.5)
    strength: Strength = Constant()

    def init(self) -> None:
        return None

    def reaches(self, moment: Moment) -> bool:
        return super().reaches(moment) and self._limited(moment) > 0

    def branches(self, step: Step, state: None) -> tuple[Branch, ...]:
        return branches_pushed_from(self.scale_at(step), self._odds(step))

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: None) -> tuple[Tensor, None]:
        return pushed_away(predictions, self.scale_at(step), self._odds(step)), None

    def _odds(self, step: Step) -> dict[str, float]:
        q = self._limited(step)
        push = self.strength.at(step) * self.negative * q / (1.0 - q)
        return {side: push * weight for side, weight in negative_weights(step).items()} if push else {}

    def _limited(self, moment: Moment) -> float:
        """The posterior at a moment, within its range."""
        return min(max(self.posterior.at(moment), 0.0), self.most)
