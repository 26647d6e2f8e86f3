"""threshold by hand: the median of the absolute values as bound, around cfg at w = 2."""

import torch

from negspace.guidance import Cfg
from negspace.guidance.rules.threshold import Threshold

RULE = Threshold(Cfg(2.0), quantile=0.5)
NEUTRAL = Threshold(Cfg(3.0), mimic=1.0)
PREDICTIONS = {
    "positive": torch.tensor([1.0, -1.0, 0.5, 0.0]),
    "negative": torch.tensor([-1.0, 1.0, 0.5, 0.0]),
}
# g = (3, -3, 0.5, 0); |g| sorted is 0, 0.5, 3, 3 with median 1.75; r = 1: clip to 1.75, then over 1.75
GUIDED = torch.tensor([1.0, -1.0, 0.5 / 1.75, 0.0])
