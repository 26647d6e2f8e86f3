"""APG: only the part of the difference perpendicular to the positive prediction acts, damped and capped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, Step, Wrapper, setting
from negspace.guidance.branch import POSITIVE
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.sums import cap, dot, over
from negspace.guidance.shared.wrappers import others
from negspace.guidance.tensor import Tensor

Momentum = Mapping[str, "Tensor"]
"""For each prediction but the positive, its running difference from the positive, before the cap."""


@final
@dataclass(frozen=True)
class Apg(Wrapper[Momentum]):
    """d = d_c + (w - 1)(g_across + eta g_along), Sadat et al., arXiv 2410.02416, algorithm 1; in x0.

    g is d_c - d_n plus b times the g of the previous step, cut to the length r; g_along is its part along
    d_c. The inner rule gets d_c - g_across - eta g_along for every prediction but the positive, each with its
    own momentum; with cfg inside, this is the paper's method. No evaluation more than the inner rule.

    Attributes:
        inner: the rule that gets these predictions.
    """

    name = "apg"
    formula = "d = d_c + (w - 1)(g_across + eta g_along), g = cap(d_c - d_n + b g_before, r)"
    paper = "Sadat et al., Eliminating Oversaturation and Artifacts of High Guidance Scales, arXiv 2410.02416"
    space = "x0"

    inner: Rule[Any] = Cfg()
    eta: float = setting(
        0.0, "share of the part along the positive prediction that is kept; 1 keeps all of it", low=0
    )
    radius: float = setting(
        15 / 256,
        "r over the root of the number of latent values; 15 / 256 is 15 for SDXL, 7.5 for SD 2.1",
        low=0,
    )
    momentum: float = setting(-0.5, "b", low=-1, high=1)

    def begin(self) -> Momentum:
        return {}

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: tuple[Momentum, Any]
    ) -> tuple[Tensor, tuple[Momentum, Any]]:
        before, inner = state
        positive = predictions[POSITIVE]
        running = {
            name: positive - other + self.momentum * before[name] if name in before else positive - other
            for name, other in others(predictions).items()
        }
        shaped = {name: positive - self._shaped(difference, positive) for name, difference in running.items()}
        guided, inner = self.combine_inner({**predictions, **shaped}, step, inner)
        return guided, ({**before, **running}, inner)

    def _shaped(self, difference: Tensor, positive: Tensor) -> Tensor:
        capped = cap(difference, self.radius * positive[0].numel() ** 0.5)
        along = positive * over(dot(capped, positive), dot(positive, positive))
        return capped - along + self.eta * along
