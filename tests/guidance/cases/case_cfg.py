"""cfg by hand: two pixels, w = 3."""

import torch

from negspace.guidance import Cfg

RULE = Cfg(scale=3.0)
PREDICTIONS = {"positive": torch.tensor([1.0, -2.0]), "negative": torch.tensor([0.5, 2.0])}
# 0.5 + 3 * (1 - 0.5) = 2;  2 + 3 * (-2 - 2) = -10
GUIDED = torch.tensor([2.0, -10.0])
NEUTRAL = Cfg(scale=3.0)
