"""norm_cap by hand: half the positive's length, around cfg at w = 2."""

import torch

from negspace.guidance import Cfg
from negspace.guidance.rules.norm_cap import NormCap

RULE = NormCap(Cfg(2.0), most=0.5)
NEUTRAL = NormCap(Cfg(3.0), most=1e6)
PREDICTIONS = {"positive": torch.tensor([3.0, 4.0]), "negative": torch.tensor([0.0, 0.0])}
# g = (6, 8): the push (3, 4) is 5 long, and so is d_c; 2.5 is allowed: d = (3, 4) + (1.5, 2)
GUIDED = torch.tensor([4.5, 6.0])
