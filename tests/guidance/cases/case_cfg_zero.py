"""cfg_zero by hand: w = 3."""

import torch

from negspace.guidance import Cfg
from negspace.guidance.rules.cfg_zero import CfgZero

RULE = CfgZero(Cfg(3.0))
NEUTRAL = CfgZero(Cfg(3.0), share=0.0)
PREDICTIONS = {"positive": torch.tensor([1.0, 2.0]), "negative": torch.tensor([2.0, 1.0])}
# s = 4 / 5: s d_n = (1.6, 0.8); 1.6 + 3 (1 - 1.6) = -0.2;  0.8 + 3 (2 - 0.8) = 4.4
GUIDED = torch.tensor([-0.2, 4.4])
