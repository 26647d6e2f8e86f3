"""reuse by hand, first step: there is no push to use again. test_wrappers.py goes on from here."""

import torch

from negspace.guidance import Cfg
from negspace.guidance.rules.reuse import Reuse

RULE = Reuse(Cfg(3.0))
NEUTRAL = Reuse(Cfg(3.0), every=1)
PREDICTIONS = {"positive": torch.tensor([1.0, -2.0]), "negative": torch.tensor([0.5, 2.0])}
# 0.5 + 3 * (1 - 0.5) = 2;  2 + 3 * (-2 - 2) = -10
GUIDED = torch.tensor([2.0, -10.0])
