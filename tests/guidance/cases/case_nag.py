"""nag by hand: k = 2, tau = 1.5, a = 0.5; one token of two numbers."""

import torch

from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.rules.nag import Nag

RULE = Nag(Cfg(scale=1.0), weight=2.0, tau=1.5, alpha=0.5)
PREDICTIONS = {"positive": torch.tensor([1.0, -2.0])}
GUIDED = torch.tensor([1.0, -2.0])
NEUTRAL = Nag(Cfg(scale=3.0), weight=0.0)


def check() -> None:
    positive, negative = torch.tensor([[[[3.0, 1.0]]]]), torch.tensor([[[[1.0, 2.0]]]])
    # Y = (3, 1) + 2 (2, -1) = (7, -1), R = 8 / 4 = 2, so Y 1.5/2 = (5.25, -0.75)
    # Z = 0.5 (5.25, -0.75) + 0.5 (3, 1)
    mixed = RULE.patch(RULE.weight).mix(positive, negative)
    assert torch.allclose(mixed, torch.tensor([[[[4.125, 0.125]]]]))
