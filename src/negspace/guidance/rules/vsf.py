"""Value sign flip."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.patches import FlippedValues
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.attention import InAttention
from negspace.strength import Constant, Strength


@final
@dataclass(frozen=True)
class Vsf(InAttention):
    """Z = softmax([Q K+ ; Q K- - b]) [V+ ; -k V-], Value Sign Flip, ICLR 2026, arXiv 2508.10931.

    With W the attention that stays on the positive, this is W Z+ - k (1 - W) Z-: the push adapts to each
    token, layer and step. Only the words of the negative take part. One evaluation. The paper's (k, b) is
    (3.5, 0.1) for SD 3.5 turbo and (1.7, 0.2) for Wan 2.1.

    Attributes:
        inner: the rule whose positive branch it changes.
        strength: how much of k acts, and when.
    """

    name = "vsf"
    formula = "Z = softmax([Q K+ ; Q K- - b]) [V+ ; -k V-]"
    paper = "Value Sign Flip, ICLR 2026, arXiv 2508.10931"
    space = "any"

    inner: Rule[Any] = Cfg(scale=1.0)
    weight: float = setting(3.5, "k; 0 is off", low=0)
    bias: float = setting(0.1, "b, subtracted from the scores of the negative")
    strength: Strength = Constant()

    def patch(self, weight: float) -> FlippedValues:
        return FlippedValues(weight=weight, bias=self.bias)
