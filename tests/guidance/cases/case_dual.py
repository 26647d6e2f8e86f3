"""dual by hand: w = 3, g = 0.5; and where g = w - 1, plain substitution of the negative."""

import torch

from negspace.guidance.rules.dual import Dual

RULE = Dual(scale=3.0, negative=0.5)
PREDICTIONS = {
    "positive": torch.tensor([2.0, 0.0]),
    "empty": torch.tensor([1.0, 1.0]),
    "negative:0": torch.tensor([3.0, -1.0]),
}
# (1, 1) + 3 (1, -1) - 0.5 (2, -2) = (1 + 3 - 1, 1 - 3 + 1)
GUIDED = torch.tensor([3.0, -1.0])
NEUTRAL = Dual(scale=3.0, negative=2.0)
NEUTRAL_ON = "negative:0"
