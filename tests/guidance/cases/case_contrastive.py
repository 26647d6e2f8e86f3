"""contrastive by hand: squared norms that make 3 and 1/3 of the exponentials; a/s = 1."""

from math import log

import torch

from negspace.guidance import Step
from negspace.guidance.rules.contrastive import Contrastive

# |c - u|^2 = 4 and |n - u|^2 = 1: exp(-t 4) = 1/3 for the positive, exp(t 1) = 3 for the negative
RULE = Contrastive(scale=2.0, negative=0.5, tau=log(3), tau_positive=log(3) / 4)
STEP = Step(0, 1, 1.0, torch.zeros(1, 1, 1, 2), 0.5, 0.5, {"negative:0": 1.0})
PREDICTIONS = {
    "positive": torch.tensor([2.0, 1.0]),
    "empty": torch.tensor([0.0, 1.0]),
    "negative:0": torch.tensor([0.0, 2.0]),
}
# l+ = 2 / (1 + 1/3) = 1.5;  l- = 2 / (1 + 3) = 0.5
# (0, 1) + 2 * 1.5 (2, 0) - 0.5 * 2 * 0.5 (0, 1) = (6, 1 - 0.5)
GUIDED = torch.tensor([6.0, 0.5])
NEUTRAL = Contrastive(scale=3.0, negative=0.0, tau=0.0, tau_positive=0.0)
NEUTRAL_ON = "empty"
