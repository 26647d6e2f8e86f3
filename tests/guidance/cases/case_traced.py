"""traced by hand: what cfg makes of a step at w = 3, with the empty prompt evaluated and not used."""

import torch

from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.rules.traced import Traced

RULE = Traced(Cfg(scale=3.0))
PREDICTIONS = {
    "positive": torch.tensor([1.0, -2.0]),
    "negative": torch.tensor([0.5, 2.0]),
    "empty": torch.tensor([7.0, 7.0]),
}
# 0.5 + 3 * 0.5 = 2;  2 - 3 * 4 = -10
GUIDED = torch.tensor([2.0, -10.0])
NEUTRAL = Traced(Cfg(scale=3.0))
