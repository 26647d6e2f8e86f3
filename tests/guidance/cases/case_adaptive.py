"""adaptive by hand, first step: nothing has peaked yet. test_wrappers.py goes on from here."""

import torch

from negspace.guidance import Cfg
from negspace.guidance.rules.adaptive import Adaptive

RULE = Adaptive(Cfg(3.0))
NEUTRAL = Adaptive(Cfg(3.0), share=0.0)
PREDICTIONS = {"positive": torch.tensor([1.0, -2.0]), "negative": torch.tensor([0.5, 2.0])}
# 0.5 + 3 * (1 - 0.5) = 2;  2 + 3 * (-2 - 2) = -10
GUIDED = torch.tensor([2.0, -10.0])
