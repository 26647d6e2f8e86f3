"""perp_neg by hand: w = 2; of each negative only what is at a right angle to the positive counts."""

import torch

from negspace.guidance import Step
from negspace.guidance.rules.perp_neg import PerpNeg

RULE = PerpNeg(scale=2.0, negative=1.5)
STEP = Step(0, 1, 0.75, torch.zeros(1, 1, 1, 2), 0.8, 0.6, {"negative:0": 1.0, "negative:1": 2.0})
PREDICTIONS = {
    "positive": torch.tensor([2.0, 1.0]),
    "empty": torch.tensor([1.0, 1.0]),
    "negative:0": torch.tensor([6.0, 2.0]),
    "negative:1": torch.tensor([-3.0, 1.0]),
}
# p = (1, 0);  n0 = (5, 1), of which (0, 1) is at a right angle;  n1 = (-4, 0), of which nothing is
# (1, 1) + 2 ((1, 0) - 1.5 (1 (0, 1) + 2 (0, 0))) = (3, 1 - 3)
GUIDED = torch.tensor([3.0, -2.0])
NEUTRAL = PerpNeg(scale=3.0, negative=0.0)
NEUTRAL_ON = "empty"
