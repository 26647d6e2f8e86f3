"""sega by hand at step 12 of 20: of five elements those at least as large as the median."""

import torch

from negspace.guidance import Step
from negspace.guidance.rules.sega import Sega

RULE = Sega(scale=2.0, negative=3.0, threshold=0.5)
STEP = Step(12, 20, 0.75, torch.zeros(1, 1, 1, 5), 0.8, 0.6, {"negative:0": 0.5})
PREDICTIONS = {
    "positive": torch.tensor([1.0, 1.0, 1.0, 1.0, 2.0]),
    "empty": torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0]),
    "negative:0": torch.tensor([2.0, -1.0, 1.0, 5.0, 1.5]),
}
# n = (1, -2, 0, 4, 0.5), sizes sorted 0, 0.5, 1, 2, 4: median 1;  kept (1, -2, 0, 4, 0)
# (1, 1, 1, 1, 1) + 2 (0, 0, 0, 0, 1) - 3 * 0.5 (1, -2, 0, 4, 0)
GUIDED = torch.tensor([-0.5, 4.0, 1.0, -5.0, 3.0])
NEUTRAL = Sega(scale=3.0, negative=0.0)
NEUTRAL_ON = "empty"
