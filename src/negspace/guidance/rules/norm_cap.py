"""Norm cap: guidance moves a clean picture by at most a share of its own length."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.sums import cap, norm
from negspace.guidance.shared.wrappers import Shaping
from negspace.guidance.tensor import Tensor


@final
@dataclass(frozen=True)
class NormCap(Shaping):
    """d = d_c + p min(1, r ||d_c|| / ||p||), p = g - d_c, after APG's cap, arXiv 2410.02416; in x0.

    g is the output of the inner rule. APG caps the difference d_c - d_u, without the scale, at a fixed
    length. This caps everything that guidance adds, scale included, relative to the length of the clean
    picture, so one number works for every latent size and every rule. APG's default for SDXL at scale 15 is
    r = 0.8 in latents of unit variance. No evaluation more than the inner rule.

    Attributes:
        inner: the rule whose push is capped.
    """

    name = "norm_cap"
    formula = "d = d_c + p min(1, r ||d_c|| / ||p||), p = g - d_c"
    paper = "after Sadat et al., Eliminating Oversaturation (APG), arXiv 2410.02416"
    space = "x0"

    inner: Rule[Any] = Cfg()
    most: float = setting(0.5, "r, the longest push as a share of the positive's length", low=0)

    def shape(self, guided: Tensor, positive: Tensor) -> Tensor:
        return positive + cap(guided - positive, self.most * norm(positive))
