"""crg by hand at its first step: the push that takes the evidence to the threshold, times k."""

import torch

from negspace.guidance.crg import Crg

RULE = Crg(scale=1.0, negative=0.5, now=2.0, threshold=4.0)
PREDICTIONS = {
    "positive": torch.tensor([3.0, 1.0]),
    "empty": torch.tensor([0.0, 1.0]),
    "negative:0": torch.tensor([2.0, 1.0]),
}
# h = |c - u|^2 - |c - n|^2 = 9 - 1 = 8;  E = 2/2 * 8 = 8;  o = (8 - 4) / (2 * 4) = 0.5
# (3, 1) - 0.5 * 0.5 (2, 0) = (2.5, 1)
GUIDED = torch.tensor([2.5, 1.0])
NEUTRAL = Crg(scale=3.0, negative=0.0)
NEUTRAL_ON = "empty"
