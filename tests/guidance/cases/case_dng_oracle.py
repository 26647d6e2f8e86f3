"""dng_oracle by hand: a posterior of 3/4 is odds of 3."""

import torch

from negspace.guidance import Step
from negspace.guidance.rules.dng_oracle import DngOracle
from negspace.strength import constant

RULE = DngOracle(scale=2.0, negative=0.5, posterior=constant(0.75))
STEP = Step(0, 1, 0.75, torch.zeros(1, 1, 1, 2), 0.8, 0.6, {"negative:0": 2.0})
PREDICTIONS = {
    "positive": torch.tensor([1.0, 1.0]),
    "empty": torch.tensor([0.0, 2.0]),
    "negative:0": torch.tensor([1.0, 1.0]),
}
# b = (0, 2) + 2 (1, -1) = (2, 0);  l = 0.5 * 3 * 2 = 3;  (2, 0) - 3 ((1, 1) - (2, 0)) = (5, -3)
GUIDED = torch.tensor([5.0, -3.0])
NEUTRAL = DngOracle(scale=3.0, posterior=constant(0.0))
NEUTRAL_ON = "empty"
