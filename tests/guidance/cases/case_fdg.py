"""fdg by hand: one bright number of four, coarse 0.5, fine 1.5, around cfg at w = 2."""

import torch

from negspace.guidance import Cfg
from negspace.guidance.rules.fdg import Fdg

RULE = Fdg(Cfg(2.0), coarse=0.5, fine=1.5)
NEUTRAL = Fdg(Cfg(3.0), coarse=1.0, fine=1.0)
PREDICTIONS = {"positive": torch.tensor([16.0, 0.0, 0.0, 0.0]), "negative": torch.zeros(4)}
# The push p is (16, 0, 0, 0). Blurred by (1 4 6 4 1) / 16 with its ends repeated it is (11, 5, 1, 0), halved
# (8, 0.5), enlarged (8, 6.125, 2.375, 0.5), and blurred again
COARSE = torch.tensor([(11 * 8 + 4 * 6.125 + 2.375) / 16, 0.0, 0.0, 0.0])
COARSE[1] = (5 * 8 + 6 * 6.125 + 4 * 2.375 + 0.5) / 16
COARSE[2] = (8 + 4 * 6.125 + 6 * 2.375 + 5 * 0.5) / 16
COARSE[3] = (6.125 + 4 * 2.375 + 11 * 0.5) / 16
# d = d_c + 1.5 (p - coarse) + 0.5 coarse
GUIDED = torch.tensor([16.0 + 24.0, 0.0, 0.0, 0.0]) - COARSE
