"""auto by hand, the only step, where both pushes are measured. test_auto.py goes on."""

import torch

from negspace.guidance import Step
from negspace.guidance.rules.auto import Auto

STEP = Step(0, 1, 1.0, torch.zeros(1, 1, 1, 2), 0.7, 0.7, {"negative:0": 1.0})
RULE = Auto(scale=3.0)
PREDICTIONS = {
    "positive": torch.tensor([3.0, 0.0]),
    "empty": torch.tensor([0.0, 4.0]),
    "joint:0": torch.tensor([3.0, 1.0]),
}
# towards: 1.2 * 2 (3, -4), length 12;  away: along (0, -1), length 2.8 * 3 (0.3 * 5 - 1) = 4.2, more than 1
GUIDED = torch.tensor([10.2, -13.8])
