"""tcfg by hand: w = 3."""

import torch

from negspace.guidance import Cfg
from negspace.guidance.rules.tcfg import Tcfg

RULE = Tcfg(Cfg(3.0))
NEUTRAL = Tcfg(Cfg(3.0), share=0.0)
PREDICTIONS = {"positive": torch.tensor([2.0, 1.0]), "negative": torch.tensor([1.0, 2.0])}
# The first singular vector of two mirrored rows is (1, 1) / sqrt(2): d' = (1.5, 1.5)
# 1.5 + 3 (2 - 1.5) = 3;  1.5 + 3 (1 - 1.5) = 0
GUIDED = torch.tensor([3.0, 0.0])
