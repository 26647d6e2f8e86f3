"""crg by hand at its first step: half the push that takes the evidence to the threshold; a/s = 2."""

import torch

from negspace.guidance import Step
from negspace.guidance.rules.crg import Crg

RULE = Crg(scale=1.0, negative=0.5, now=2.0, threshold=16.0)
STEP = Step(0, 1, 0.5, torch.zeros(1, 1, 1, 2), 0.8, 0.4, {"negative:0": 1.0})
PREDICTIONS = {
    "positive": torch.tensor([3.0, 1.0]),
    "empty": torch.tensor([0.0, 1.0]),
    "negative:0": torch.tensor([2.0, 1.0]),
}
# of eps: |c - u|^2 = 4 * 9, |c - n|^2 = 4 * 1, |n - u|^2 = 4 * 4
# h = 36 - 4 = 32;  E = 2/2 * 32 = 32;  o = (32 - 16) / (2 * 16) = 0.5
# (3, 1) - 0.5 * 0.5 (2, 0) = (2.5, 1)
GUIDED = torch.tensor([2.5, 1.0])
NEUTRAL = Crg(scale=3.0, negative=0.0)
NEUTRAL_ON = "empty"
