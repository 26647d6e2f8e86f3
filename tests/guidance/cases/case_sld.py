"""sld by hand, without warm-up and in its first step, where there is no momentum yet; a/s = 1."""

import torch

from negspace.guidance import Step
from negspace.guidance.rules.sld import Sld

RULE = Sld(scale=2.0, negative=0.25, threshold=1.5, warmup=0)
STEP = Step(0, 1, 1.0, torch.zeros(1, 1, 1, 3), 0.5, 0.5, {})
PREDICTIONS = {
    "positive": torch.tensor([1.0, -1.0, 5.0]),
    "empty": torch.tensor([1.0, 1.0, 1.0]),
    "negative": torch.tensor([0.0, 1.0, 0.0]),
}
# c - n = (1, -2, 5), of eps (-1, 2, -5): the second is not below 1.5
# m = (0.25 * 1, 0, min(1, 0.25 * 5)) = (0.25, 0, 1);  g = m (n - u) = (-0.25, 0, -1)
# (1, 1, 1) + 2 ((0, -2, 4) - (-0.25, 0, -1)) = (1 + 0.5, 1 - 4, 1 + 10)
GUIDED = torch.tensor([1.5, -3.0, 11.0])
NEUTRAL = Sld(scale=3.0, negative=0.0)
NEUTRAL_ON = "empty"
