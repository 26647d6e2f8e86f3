"""Dynamic thresholding: guidance keeps a clean picture within its range."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.sums import over
from negspace.guidance.shared.wrappers import Shaping
from negspace.guidance.tensor import Tensor


@final
@dataclass(frozen=True)
class Threshold(Shaping):
    """d = r clip(g, -s, s) / s, s = max(r, quantile_p |g|), Saharia et al., arXiv 2205.11487, 2.3; in x0.

    g is the output of the inner rule. In the paper r is 1, the range of pixels. Latents have no such range,
    so r is the largest |d_c + m (g - d_c)|: that of the positive, or of a milder guidance (the "mimic scale"
    of web interfaces: m = (mimic - 1) / (scale - 1)). Where the positive fills [-1, 1], this is the paper's
    method. No evaluation more than the inner rule.

    Attributes:
        inner: the rule whose output is limited.
    """

    name = "threshold"
    formula = "d = r clip(g, -s, s) / s, s = max(r, quantile_p |g|), r = max |d_c + m (g - d_c)|"
    paper = "Saharia et al., Photorealistic Text-to-Image Diffusion Models, arXiv 2205.11487"
    space = "x0"

    inner: Rule[Any] = Cfg()
    quantile: float = setting(0.995, "p, share of the values that are not clipped", low=0, high=1)
    mimic: float = setting(0.0, "m, share of the push that the range allows; 1 is the inner rule", 0, 1)

    def shape(self, guided: Tensor, positive: Tensor) -> Tensor:
        allowed = positive + self.mimic * (guided - positive)
        reach = _whole(allowed.abs().flatten(1).amax(1), guided)
        highest = _whole(guided.abs().flatten(1).quantile(self.quantile, dim=1), guided)
        bound = reach.maximum(highest)
        return guided.clamp(-bound, bound) * over(reach, bound)


def _whole(numbers: Tensor, like: Tensor) -> Tensor:
    return numbers.reshape(-1, *[1] * (like.ndim - 1))
