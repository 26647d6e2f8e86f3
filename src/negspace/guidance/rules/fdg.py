"""Frequency-decoupled guidance: coarse structure and fine detail are guided at different scales."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.wrappers import Shaping
from negspace.guidance.tensor import Tensor

_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


@final
@dataclass(frozen=True)
class Fdg(Shaping):
    """d = d_c + h H(p) + l L(p), p = g - d_c, Sadat et al., arXiv 2506.19713; in x0.

    g is the output of the inner rule; L is the coarse level of a Laplacian pyramid of two levels, H = 1 - L
    the fine one. The pyramid is linear, so around cfg at scale w it guides the fine level at 1 + h (w - 1)
    and the coarse one at 1 + l (w - 1). The paper's pair for SDXL, 10 and 5, is `fdg(cfg(10))` with h = 1 and
    l = 4/9. No evaluation more than the inner rule.

    Attributes:
        inner: the rule whose push is split.
    """

    name = "fdg"
    formula = "d = d_c + h H(p) + l L(p), p = g - d_c"
    paper = "Sadat et al., Guidance in the Frequency Domain Enables High-Fidelity Sampling, arXiv 2506.19713"
    space = "x0"

    inner: Rule[Any] = Cfg()
    coarse: float = setting(4 / 9, "l, share of the push that acts on coarse structure", low=0)
    fine: float = setting(1.0, "h, share of the push that acts on fine detail", low=0)

    def shape(self, guided: Tensor, positive: Tensor) -> Tensor:
        push = guided - positive
        low = _coarse(push)
        return positive + self.fine * (push - low) + self.coarse * low


def _coarse(x: Tensor) -> Tensor:
    """The coarse level of a Laplacian pyramid of two levels, at the size of x."""
    from torch.nn.functional import interpolate

    height, width = x.shape[-2:]
    small = interpolate(_blurred(x), ((height + 1) // 2, (width + 1) // 2), mode="bilinear")
    return _blurred(interpolate(small, (height, width), mode="bilinear"))


def _blurred(x: Tensor) -> Tensor:
    """Binomial blur along height and width. Sums of slices, whose order does not depend on the batch size."""
    import torch
    from torch.nn.functional import pad

    for axis, margin in ((-2, (0, 0, 2, 2)), (-1, (2, 2, 0, 0))):
        padded = pad(x, margin, mode="replicate")
        shifted = [padded.narrow(axis, start, x.shape[axis]) for start in range(len(_BINOMIAL))]
        x = torch.stack([weight * part for weight, part in zip(_BINOMIAL, shifted, strict=True)]).sum(0)
    return x
