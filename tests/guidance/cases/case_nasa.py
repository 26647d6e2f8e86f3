"""nasa by hand: k = 0.5."""

import torch

from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.rules.nasa import Nasa

RULE = Nasa(Cfg(scale=1.0), weight=0.5)
PREDICTIONS = {"positive": torch.tensor([1.0, -2.0])}
GUIDED = torch.tensor([1.0, -2.0])
NEUTRAL = Nasa(Cfg(scale=3.0), weight=0.0)


def check() -> None:
    positive, negative = torch.tensor([[[[3.0, 1.0]]]]), torch.tensor([[[[1.0, 2.0]]]])
    assert torch.allclose(RULE.patch(RULE.weight).mix(positive, negative), torch.tensor([[[[2.5, 0.0]]]]))
