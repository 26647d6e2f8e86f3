"""TCFG: the negative prediction loses its part perpendicular to its common direction with the positive."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.sums import dot, over
from negspace.guidance.shared.wrappers import Correcting
from negspace.guidance.tensor import Tensor


@final
@dataclass(frozen=True)
class Tcfg(Correcting):
    """d = d' + w (d_c - d'), d' = <d_n, v1> v1, v1 first right singular vector of [d_c; d_n]; in flow.

    Kwon et al., arXiv 2503.18137. The inner rule gets d' for every prediction but the positive, each with its
    own decomposition; with cfg inside, this is the paper's method. diffusers uses the space that the network
    predicts in. Here the space is flow for every network, that of SD 3, where the paper gains most; flow
    predictions differ even in pure noise. Two vectors need no iteration: with
    t = (||d_c||^2 - ||d_n||^2) / 2 and r = |(t, <d_c, d_n>)|, the part that is removed is
    ((1 + t/r) d_n - (<d_c, d_n>/r) d_c) / 2. No evaluation more than the inner rule.

    Attributes:
        inner: the rule that gets these predictions.
    """

    name = "tcfg"
    formula = "d = d' + w (d_c - d'), d' = <d_n, v1> v1, v1 first right singular vector of [d_c; d_n]"
    paper = "Kwon et al., TCFG: Tangential Damping Classifier-free Guidance, arXiv 2503.18137"
    space = "flow"

    inner: Rule[Any] = Cfg()
    share: float = setting(1.0, "share of that part that is removed; 0 is the inner rule", low=0, high=1)

    def corrected(self, other: Tensor, positive: Tensor) -> Tensor:
        c, n = _exact(positive), _exact(other)
        half = dot(c - n, c + n) / 2  # the same as the difference of squares, without its cancellation
        shared = dot(c, n)
        radius = half.hypot(shared)
        across = (n * (radius + half) - c * shared) / 2
        return (n - self.share * over(across, radius)).to(other)


def _exact(x: Tensor) -> Tensor:
    """In 64 bits; by the CPU where a device has none of those."""
    return (x.cpu() if x.device.type == "mps" else x).double()
