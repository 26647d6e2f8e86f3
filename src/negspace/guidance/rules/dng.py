"""Dynamic negative guidance with a posterior that is estimated from step to step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, log
from typing import final

from negspace.errors import RequestError
from negspace.guidance.base import Step, setting
from negspace.guidance.branch import Branch
from negspace.guidance.shared.sums import dot
from negspace.guidance.shared.terms import (
    FromEmpty,
    branches_pushed_from,
    evaluated_weights,
    negative_weights,
    plainly_guided,
    pushed_away,
)
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Strength


@dataclass(frozen=True, eq=False)
class Posteriors:
    """The posteriors before a step, and the means of the last one.

    Attributes:
        posteriors: by side, the log of the probability of its presence, [batch, 1, 1, 1].
        means: by side, the mean of the last step if it is present, shaped as x.
        mean: the mean of the last step if it is not; None before the first step.
        variance: of the last step.
    """

    posteriors: Mapping[str, Tensor] = field(default_factory=dict)
    means: Mapping[str, Tensor] = field(default_factory=dict)
    mean: Tensor | None = None
    variance: float = 0.0


@final
@dataclass(frozen=True)
class Dng(FromEmpty[Posteriors]):
    """d = b - sum_j w_j l_j (d_nj - b), l_j = k q_j/(1 - q_j), Koulischer et al., arXiv 2410.14398; in x0.

    b = d_u + w (d_c - d_u). The posterior q_j of the presence of an avoided term is updated at every step:
    q <- q exp((T (|x' - m_b|^2 - |x' - m_n|^2) + e) / (2 v)), with m the mean of q(x' | x, x0) for either
    prediction and v its variance. It needs a sampler that draws noise: without, x' holds no new information.
    One evaluation for the prompt, one for the empty prompt where w is not 1, one for each avoided term; with
    `skip`, a term whose posterior falls below it is dropped and no longer evaluated.

    Attributes:
        strength: how much of it acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "dng"
    formula = "d = b - sum_j w_j k q_j/(1 - q_j) (d_nj - b), b = d_u + w (d_c - d_u), q_j followed"
    paper = "Koulischer et al., Dynamic Negative Guidance of Diffusion Models, arXiv 2410.14398"
    space = "x0"

    scale: float = setting(7.5, "w", low=0)
    negative: float = setting(5.0, "k", low=0)
    prior: float = setting(0.01, "q before the first step", low=1e-12, high=0.999999)
    temperature: float = setting(0.2, "T, the weight of the evidence of a step", low=0)
    offset: float = setting(2e-4, "e, added to the difference of squared distances")
    least: float = setting(1e-6, "lower limit of q", low=1e-12, high=0.999999)
    most: float = setting(0.8, "upper limit of q", low=1e-12, high=0.999999)
    skip: float = setting(0.0, "q below which a term is dropped; 0 never drops one", low=0, high=1)
    strength: Strength = Constant()

    def __post_init__(self) -> None:
        super().__post_init__()
        for low, high in (("skip", "prior"), ("least", "most")):
            if getattr(self, low) > getattr(self, high):
                raise RequestError(f"rule {self.name}: {low} must not be above {high}")

    def init(self) -> Posteriors:
        return Posteriors()

    def branches(self, step: Step, state: Posteriors) -> tuple[Branch, ...]:
        away = self._away(step)
        if self.skip and away:
            posteriors = self._posteriors(step, state)
            away = {side: push for side, push in away.items() if bool(self._kept(side, posteriors).any())}
        return branches_pushed_from(self.scale_at(step), away)

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: Posteriors
    ) -> tuple[Tensor, Posteriors]:
        scale, posteriors = self.scale_at(step), self._posteriors(step, state)
        away = evaluated_weights(predictions, self._away(step))
        odds: dict[str, Tensor] = {}
        for side, push in away.items():
            q = self._log(side, posteriors).exp()
            odds[side] = push * q / (1 - q) * self._kept(side, posteriors)
        shares = _shares(step) if away else None
        if shares is None:
            return pushed_away(predictions, scale, odds), Posteriors(posteriors)
        of_x, of_x0, variance = shares
        means = {side: of_x * step.x + of_x0 * predictions[side] for side in away}
        mean = of_x * step.x + of_x0 * plainly_guided(predictions, scale)
        return pushed_away(predictions, scale, odds), Posteriors(posteriors, means, mean, variance)

    def posterior(self, step: Step, state: Posteriors) -> dict[str, Tensor]:
        """The posterior of each avoided term that was evaluated, at this step, [batch] by side."""
        return {side: log_q.exp().flatten() for side, log_q in self._posteriors(step, state).items()}

    def _posteriors(self, step: Step, state: Posteriors) -> dict[str, Tensor]:
        posteriors = dict(state.posteriors)
        for side, present in state.means.items():
            assert state.mean is not None
            # |x - m_b|^2 - |x - m_n|^2 without the difference of two large numbers
            nearer = dot(present - state.mean, 2 * step.x - state.mean - present)
            evidence = (self.temperature * nearer + self.offset) / (2 * state.variance)
            bounds = log(self.least), log(self.most)
            known = self._log(side, posteriors) + evidence
            kept = self._kept(side, posteriors)
            posteriors[side] = known.clamp(*bounds).where(kept, self._log(side, posteriors))
        return posteriors

    def _log(self, side: str, posteriors: Mapping[str, Tensor]) -> Tensor:
        """[batch, 1, 1, 1], or a single number for the whole batch."""
        import torch

        return posteriors[side] if side in posteriors else torch.tensor(log(self.prior))

    def _kept(self, side: str, posteriors: Mapping[str, Tensor]) -> Tensor:
        """Whether a side is not dropped, for each picture."""
        return self._log(side, posteriors) >= (log(self.skip) if self.skip else -inf)

    def _away(self, step: Step) -> dict[str, float]:
        push = self.strength.at(step) * self.negative
        return {side: push * weight for side, weight in negative_weights(step).items()} if push else {}


def _shares(step: Step) -> tuple[float, float, float] | None:
    """(share of x, share of x0, variance) of q(x' | x, x0) from this step to the following one.

    None where the step removes no noise, or leaves none.
    """
    following_a, following_s = step.following
    ratio = step.a / following_a
    taken = step.s**2 - (ratio * following_s) ** 2
    if taken <= 0 or following_s == 0:
        return None
    left = following_s**2 / step.s**2
    return ratio * left, following_a * taken / step.s**2, taken * left
