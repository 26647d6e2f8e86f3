"""sld by hand, without warm-up and in its first step, where there is no momentum yet."""

import torch

from negspace.guidance.sld import Sld

RULE = Sld(scale=2.0, negative=0.25, threshold=1.5, warmup=0)
PREDICTIONS = {
    "positive": torch.tensor([1.0, 3.0, -5.0]),
    "empty": torch.tensor([0.0, 1.0, 1.0]),
    "negative": torch.tensor([2.0, 1.0, 0.0]),
}
# c - n = (-1, 2, -5): the second is not below 1.5;  m = (0.25, 0, min(1, 1.25)) = (0.25, 0, 1)
# g = m (n - u) = (0.25 * 2, 0, -1) = (0.5, 0, -1)
# (0, 1, 1) + 2 ((1, 2, -6) - (0.5, 0, -1)) = (1, 5, 1 - 10)
GUIDED = torch.tensor([1.0, 5.0, -9.0])
NEUTRAL = Sld(scale=3.0, negative=0.0)
NEUTRAL_ON = "empty"
