"""auto by hand, first step: both pushes are measured, nothing has moved yet. test_auto.py goes on."""

import torch

from negspace.guidance import Step
from negspace.guidance.auto import Auto

STEP = Step(0, 20, 1.0, torch.zeros(1, 1, 1, 2), 0.7, 0.7, {"negative:0": 1.0})
RULE = Auto(scale=3.0)
PREDICTIONS = {
    "positive": torch.tensor([2.0, 0.0]),
    "empty": torch.tensor([1.0, 1.0]),
    "joint": torch.tensor([2.0, 0.25]),
}
# towards: 2 (1, -1) = (2, -2), length 2.83;  away: 4 (0, -0.25) = (0, -1), shorter than that
GUIDED = torch.tensor([4.0, -3.0])
