"""rescale by hand: phi = 0.7 around cfg at w = 3."""

import torch

from negspace.guidance import Cfg
from negspace.guidance.rules.rescale import Rescale

RULE = Rescale(Cfg(3.0))
NEUTRAL = Rescale(Cfg(3.0), phi=0.0)
PREDICTIONS = {"positive": torch.tensor([1.0, -1.0]), "negative": torch.tensor([0.0, 0.0])}
# g = 3 (1, -1) spreads 3 times as far as d_c: 0.7 * g / 3 + 0.3 * g = (0.7 + 0.9) (1, -1)
GUIDED = torch.tensor([1.6, -1.6])
