"""Smoothed energy guidance."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.patches import BlurredQueries
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.wrappers import WeakBranch
from negspace.strength import Constant, Strength


@final
@dataclass(frozen=True)
class Seg(WeakBranch):
    """d = g + k (d_c - d_b), d_b with the queries of the middle self-attention blurred; Hong, 2408.00760.

    The blur is the mean over the picture weighted by a Gaussian; far beyond the picture's size it is the mean
    query, the paper's limit. One evaluation more than the inner rule. The paper's k is 3, its blur 10 to
    infinity.

    Attributes:
        inner: the rule that makes g.
        strength: how much of k acts, and when.
    """

    name = "seg"
    formula = "d = g + k (d_c - d_b), d_b with the queries of the middle self-attention blurred"
    paper = "Hong, Smoothed Energy Guidance, NeurIPS 2024, arXiv 2408.00760"
    space = "any"

    inner: Rule[Any] = Cfg()
    weight: float = setting(3.0, "k; 0 is off", low=0)
    blur: float = setting(10.0, "standard deviation of the blur, in tokens of the middle block", low=0)
    strength: Strength = Constant()

    def patch(self) -> BlurredQueries:
        return BlurredQueries(blur=self.blur)
