"""Negative prompt in prompt."""

from dataclasses import dataclass
from typing import Any, final

from negspace.guidance.base import Rule, setting
from negspace.guidance.patches import FlippedValues
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.attention import InAttention
from negspace.strength import Constant, Strength


@final
@dataclass(frozen=True)
class Negpip(InAttention):
    """Z = softmax([Q K+ ; Q K-]) [V+ ; -k V-], after hako-mikan, NegPiP; everything avoided as `(word:-k)`.

    The words keep their keys, so the attention still finds them, and their values change sign, so they push
    away. It does what `(word:-1)` in a prompt does, for everything that is avoided. One evaluation.

    Attributes:
        inner: the rule whose positive branch it changes.
        strength: how much of k acts, and when.
    """

    name = "negpip"
    formula = "Z = softmax([Q K+ ; Q K-]) [V+ ; -k V-]"
    paper = "hako-mikan, NegPiP, github.com/hako-mikan/sd-webui-negpip"
    space = "any"

    inner: Rule[Any] = Cfg(scale=1.0)
    weight: float = setting(1.0, "k; 0 is off", low=0)
    strength: Strength = Constant()

    def patch(self, weight: float) -> FlippedValues:
        return FlippedValues(weight=weight)
