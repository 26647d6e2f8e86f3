"""Token norm: guidance does not change the length of the tokens of a prediction."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.sums import over
from negspace.guidance.shared.wrappers import Shaping
from negspace.guidance.tensor import Tensor

_SIDE = 2
"""Latents along a side of a token."""


@final
@dataclass(frozen=True)
class TokenNorm(Shaping):
    """d = g (1 - phi + phi ||d_c|| / ||g||) token by token, after Qwen-Image, arXiv 2508.02324; in flow.

    g is the output of the inner rule. A token is a square of 2 x 2 latents with all its channels. The
    published pipeline of Qwen-Image always does this; its report has no equation for it. No evaluation more
    than the inner rule.

    Attributes:
        inner: the rule whose output gets the length of the positive.
    """

    name = "token_norm"
    formula = "d = g (1 - phi + phi ||d_c|| / ||g||), token by token"
    paper = "the published pipeline of Qwen-Image; Wu et al., Qwen-Image Technical Report, arXiv 2508.02324"
    space = "flow"

    inner: Rule[Any] = Cfg()
    phi: float = setting(1.0, "share of the length that is kept; 0 is the inner rule", low=0, high=1)

    def shape(self, guided: Tensor, positive: Tensor) -> Tensor:
        ratio = over(self._squares(positive), self._squares(guided)).sqrt()
        height, width = guided.shape[-2:]
        spread = ratio.repeat_interleave(_SIDE, -2).repeat_interleave(_SIDE, -1)[..., :height, :width]
        return guided * (1.0 + self.phi * (spread - 1.0))

    def _squares(self, x: Tensor) -> Tensor:
        """[batch, 1, height / 2, width / 2], the mean square of each token, also of cut ones at the edges."""
        from torch.nn.functional import avg_pool2d

        return avg_pool2d(x.square().sum(-3, keepdim=True), _SIDE, ceil_mode=True)
