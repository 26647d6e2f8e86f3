"""auto by hand, the only step, where everything is measured. test_auto.py goes on."""

import torch

from negspace.guidance import Step
from negspace.guidance.rules.auto import Auto

STEP = Step(0, 1, 1.0, torch.zeros(1, 1, 1, 2), 0.7, 0.7, {"negative:0": 1.0})
RULE = Auto(scale=3.0)
PREDICTIONS = {
    "positive": torch.tensor([3.0, 0.0]),
    "empty": torch.tensor([0.0, 4.0]),
    "alone:0": torch.tensor([-6.0, 12.0]),
    "joint:0": torch.tensor([3.0, 4.0]),
}
# towards: 2 * 1.2 (3, -4) = (7.2, -9.6);  q = |(-6, 8)| = 10, p = (0, -4): e = (0.6 - 0.4) / 0.4 = 0.5
# away: 2 * 6 * 0.5 sqrt(10 / 4) (2, -2), p without its mean; shorter than 2 * 6 sqrt(0.2) 10
_AWAY = 12.0 * 2.5**0.5
GUIDED = torch.tensor([10.2 + _AWAY, -9.6 - _AWAY])
