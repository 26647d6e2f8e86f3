"""composable by hand: w = 2, k = 0.5, one thing avoided with weight 3 and one with weight 1."""

import torch

from negspace.guidance import Step
from negspace.guidance.rules.composable import Composable

RULE = Composable(scale=2.0, negative=0.5)
STEP = Step(0, 1, 0.75, torch.zeros(1, 1, 1, 2), 0.8, 0.6, {"negative:0": 3.0, "negative:1": 1.0})
PREDICTIONS = {
    "positive": torch.tensor([3.0, 1.0]),
    "empty": torch.tensor([1.0, 0.0]),
    "negative:0": torch.tensor([2.0, 0.0]),
    "negative:1": torch.tensor([1.0, 4.0]),
}
# c - u = (2, 1);  n0 - u = (1, 0);  n1 - u = (0, 4);  3 (1, 0) + 1 (0, 4) = (3, 4)
# (1, 0) + 2 ((2, 1) - 0.5 (3, 4)) = (1 + 4 - 3, 0 + 2 - 4)
GUIDED = torch.tensor([2.0, -2.0])
NEUTRAL = Composable(scale=3.0, negative=0.0)
NEUTRAL_ON = "empty"
