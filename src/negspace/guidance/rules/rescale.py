"""Rescale: guidance does not change the standard deviation of a prediction."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.wrappers import Shaping
from negspace.guidance.tensor import Tensor


@final
@dataclass(frozen=True)
class Rescale(Shaping):
    """d = phi g std(d_c) / std(g) + (1 - phi) g, Lin et al., arXiv 2305.08891, section 3.4; in v.

    g is the output of the inner rule. The paper's model predicts v; a standard deviation is not the same in
    another space. It is taken over all numbers of a picture. No evaluation more than the inner rule.

    Attributes:
        inner: the rule whose output is rescaled.
    """

    name = "rescale"
    formula = "d = phi g std(d_c) / std(g) + (1 - phi) g"
    paper = "Lin et al., Common Diffusion Noise Schedules and Sample Steps are Flawed, arXiv 2305.08891"
    space = "v"

    inner: Rule[Any] = Cfg()
    phi: float = setting(0.7, "share of the rescaled prediction; 0 is the inner rule", low=0, high=1)

    def shape(self, guided: Tensor, positive: Tensor) -> Tensor:
        wanted, spread = _spread(positive), _spread(guided)
        ratio = (wanted / spread).where(spread > 0, 1.0)
        return guided * (1.0 + self.phi * (ratio - 1.0))


def _spread(x: Tensor) -> Tensor:
    return x.flatten(1).std(1).reshape(-1, *[1] * (x.ndim - 1))
