"""CADS: the prompt's conditioning is noisy at first, so that one prompt gives more varied pictures."""

from dataclasses import dataclass, replace
from typing import Any, Self, final

from negspace.errors import RequestError
from negspace.guidance.base import Rule, Step, setting
from negspace.guidance.branch import POSITIVE, Branch, ConditioningNoise
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.wrappers import Stateless


@final
@dataclass(frozen=True)
class Cads(Stateless):
    """y' = sqrt(g) y + n sqrt(1 - g) N(0, 1), then y's mean and spread, Sadat et al., arXiv 2310.17347.

    y is the conditioning of the positive branches. With t from 1 at the first step down to 0, g is 1 up to
    t = clean, 0 from t = hazy on, and linear in between. The noise is drawn anew at every step and depends on
    the seed and the step alone. Nothing else is changed, and no evaluation is added.

    Attributes:
        inner: the rule whose positive branches get the noise.
    """

    name = "cads"
    formula = "y' = sqrt(g) y + n sqrt(1 - g) N(0, 1), share psi of it brought to y's mean and spread"
    paper = "Sadat et al., CADS: Unleashing the Diversity of Diffusion Models, arXiv 2310.17347"
    space = "any"

    inner: Rule[Any] = Cfg()
    clean: float = setting(0.6, "tau_1, time from which on the prompt has no noise; 1 is always", 0, 1)
    hazy: float = setting(0.9, "tau_2, time until which there is only noise", 0, 1)
    noise: float = setting(0.25, "n, the strength of the noise", low=0)
    mix: float = setting(
        1.0, "psi, share that is brought back to the mean and standard deviation of the prompt", 0, 1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clean > self.hazy:
            raise RequestError(f"rule cads: clean {self.clean} must not be above hazy {self.hazy}")

    def off(self) -> Self:
        return replace(self, inner=self.inner.off(), clean=1.0, hazy=1.0)

    def branches(self, step: Step, state: tuple[None, Any]) -> tuple[Branch, ...]:
        kept = self._kept(1.0 - step.progress)
        if kept == 1.0:
            return super().branches(step, state)
        noise = ConditioningNoise(kept**0.5, self.noise * (1.0 - kept) ** 0.5, self.mix)
        return tuple(
            replace(branch, noise=noise) if branch.side == POSITIVE else branch
            for branch in super().branches(step, state)
        )

    def _kept(self, time: float) -> float:
        """g at a time."""
        if time <= self.clean:
            return 1.0
        return max(0.0, (self.hazy - time) / (self.hazy - self.clean)) if self.hazy > self.clean else 0.0
