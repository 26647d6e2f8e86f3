"""autoguidance by hand: w = 1 + k = 3."""

import torch

from negspace.guidance.rules.autoguidance import Autoguidance
from negspace.guidance.rules.cfg import Cfg

RULE = Autoguidance(Cfg(scale=1.0), weight=2.0, weak="weaker")
PREDICTIONS = {"positive": torch.tensor([1.0, -2.0]), "autoguidance": torch.tensor([0.5, 2.0])}
# 0.5 + 3 * 0.5 = 2;  2 - 3 * 4 = -10
GUIDED = torch.tensor([2.0, -10.0])
NEUTRAL = Autoguidance(Cfg(scale=3.0), weight=0.0)


def check() -> None:
    """Evaluations of two weaker networks never share a forward."""
    other = Autoguidance(weak="another")
    assert RULE.patch().kind == Autoguidance(weak="weaker").patch().kind != other.patch().kind
