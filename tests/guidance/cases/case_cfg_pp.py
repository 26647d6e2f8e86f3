"""cfg_pp by hand: lambda = 0.5, noise from 4/3 to 3/4."""

import torch

from negspace.guidance import Step
from negspace.guidance.rules.cfg_pp import CfgPp

RULE = CfgPp(scale=6.25)
STEP = Step(0, 1, 4 / 3, torch.zeros(1, 1, 1, 2), 0.6, 0.8, {}, (0.8, 0.6))
PREDICTIONS = {"positive": torch.tensor([1.0, -2.0]), "negative": torch.tensor([0.5, 2.0])}
# (4/3) / (4/3 - 3/4) = 16/7, times 6.25 / 12.5: 8/7.  0.5 + 8/7 * 0.5 = 7.5/7;  2 - 8/7 * 4 = -18/7
GUIDED = torch.tensor([7.5 / 7, -18 / 7])
