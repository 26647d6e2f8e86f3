"""cads by hand: it changes the conditioning alone. test_conditioning_noise.py computes the noise."""

import torch

from negspace.guidance import Cfg
from negspace.guidance.rules.cads import Cads

RULE = Cads(Cfg(3.0))
NEUTRAL = Cads(Cfg(3.0), clean=1.0, hazy=1.0)
PREDICTIONS = {"positive": torch.tensor([1.0, -2.0]), "negative": torch.tensor([0.5, 2.0])}
# 0.5 + 3 * (1 - 0.5) = 2;  2 + 3 * (-2 - 2) = -10
GUIDED = torch.tensor([2.0, -10.0])
