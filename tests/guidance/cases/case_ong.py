"""ong by hand: k = 0.5; of (3, 4) the part along (2, 0) is (3, 0)."""

import torch

from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.rules.ong import Ong

RULE = Ong(Cfg(scale=1.0), weight=0.5)
PREDICTIONS = {"positive": torch.tensor([1.0, -2.0])}
GUIDED = torch.tensor([1.0, -2.0])
NEUTRAL = Ong(Cfg(scale=3.0), weight=0.0)


def check() -> None:
    positive, negative = torch.tensor([[[[2.0, 0.0]]]]), torch.tensor([[[[3.0, 4.0]]]])
    # (2, 0) - 0.5 ((3, 4) - (3, 0))
    assert torch.allclose(RULE.patch(RULE.weight).mix(positive, negative), torch.tensor([[[[2.0, -2.0]]]]))
