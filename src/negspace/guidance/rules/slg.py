"""Skip-layer guidance."""

from dataclasses import dataclass
from typing import Any, final

from negspace.errors import RequestError
from negspace.guidance.base import Rule, setting
from negspace.guidance.patches import SkippedLayers
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.wrappers import WeakBranch
from negspace.strength import Strength, Window


@final
@dataclass(frozen=True)
class Slg(WeakBranch):
    """d = g + k (d_c - d_s), d_s without some attention layers; Stability AI, Stable Diffusion 3.5 medium.

    There layers 7 to 9 of 24 are skipped, k is 2.8, and it acts from 1 % to 20 % of the steps. The layers of
    a UNet are its transformers, in the order in which the picture passes them. One evaluation more than the
    inner rule.

    Attributes:
        inner: the rule that makes g.
        strength: how much of k acts, and when.
    """

    name = "slg"
    formula = "d = g + k (d_c - d_s), d_s with the layers between two shares of the depth skipped"
    paper = "Stability AI, skip layer guidance of Stable Diffusion 3.5 medium, 2024"
    space = "any"

    inner: Rule[Any] = Cfg()
    weight: float = setting(2.8, "k; 0 is off", low=0)
    start: float = setting(7 / 24, "share of the depth where the skipped layers begin", low=0, high=1)
    stop: float = setting(10 / 24, "share of the depth where the skipped layers end", low=0, high=1)
    strength: Strength = Window(0.01, 0.2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.start < self.stop:
            raise RequestError(f"rule slg: start {self.start:g} must lie before stop {self.stop:g}")

    def patch(self) -> SkippedLayers:
        return SkippedLayers(start=self.start, stop=self.stop)
