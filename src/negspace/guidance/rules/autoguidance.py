"""Autoguidance: a model is guided by a weaker version of itself."""

from dataclasses import dataclass
from typing import Any, final

from negspace.errors import RequestError
from negspace.guidance.base import Rule, setting
from negspace.guidance.patches import OtherWeights
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.wrappers import WeakBranch
from negspace.strength import Constant, Strength


@final
@dataclass(frozen=True)
class Autoguidance(WeakBranch):
    """d = d_w + w (d_c - d_w), w = 1 + k, Karras et al., arXiv 2406.02507; d_w by a weaker network.

    The weaker network is smaller or less trained and gets the same prompt. Around another rule,
    g + k (d_c - d_w). One evaluation of the weaker network more than the inner rule. The paper's w is about
    2.1 on ImageNet.

    Attributes:
        inner: the rule that makes g; at scale 1 it is the paper's method.
        weak: folder of the weaker model.
        strength: how much of k acts, and when.
    """

    name = "autoguidance"
    formula = "d = g + k (d_c - d_w), d_w by a weaker network; at scale 1 d = d_w + (1 + k) (d_c - d_w)"
    paper = "Karras et al., Guiding a Diffusion Model with a Bad Version of Itself, arXiv 2406.02507"
    space = "any"
    made_for_scale = 1.0

    inner: Rule[Any] = Cfg(scale=1.0)
    weight: float = setting(1.1, "k = w - 1; 0 is off", low=0)
    weak: str = ""
    strength: Strength = Constant()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.weak, str):
            raise RequestError(f"rule autoguidance: weak must be a folder in quotes (given: {self.weak})")

    def patch(self) -> OtherWeights:
        return OtherWeights(folder=self.weak)
