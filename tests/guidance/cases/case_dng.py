"""dng by hand at its first step, where the posterior is the prior; test_negatives.py follows it further."""

import torch

from negspace.guidance.rules.dng import Dng

RULE = Dng(scale=2.0, negative=3.0, prior=0.25)
PREDICTIONS = {
    "positive": torch.tensor([1.0, 1.0]),
    "empty": torch.tensor([0.0, 2.0]),
    "negative:0": torch.tensor([1.0, 1.0]),
}
# b = (0, 2) + 2 (1, -1) = (2, 0);  l = 3 * 0.25 / 0.75 = 1;  (2, 0) - ((1, 1) - (2, 0)) = (3, -1)
GUIDED = torch.tensor([3.0, -1.0])
NEUTRAL = Dng(scale=3.0, negative=0.0)
NEUTRAL_ON = "empty"
