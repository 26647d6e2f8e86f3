"""locked by hand: a locked term and another one, around cfg at w = 3."""

import torch

from negspace.guidance import Cfg, Step
from negspace.guidance.rules.locked import Locked

RULE = Locked(Cfg(3.0), most=0.5)
NEUTRAL = Locked(Cfg(3.0))
STEP = Step(
    0,
    1,
    1.0,
    torch.zeros(1, 1, 1, 3),
    0.6,
    0.8,
    {"negative:0": 1.0, "negative:1": 1.0},
    locked=frozenset({"negative:0"}),
)
PREDICTIONS = {
    "positive": torch.tensor([1.0, 0.0, 0.0]),
    "negative@nothing": torch.tensor([0.0, 0.0, 0.0]),
    "negative@locked": torch.tensor([0.0, 1.0, 0.0]),
    "negative@others": torch.tensor([-1.0, -1.0, 2.0]),
}
# g_L = d_L + 3 (d_c - d_L) = (3, -2, 0), g_0 = (3, 0, 0), g_O = (5, 2, -4), l = (0, -2, 0), u = (2, 2, -4).
# Without its part towards the prompt, g_0 - d_c = (2, 0, 0), u is (0, 2, -4); without that against l,
# (0, 0, -4); at most half as long as l, (0, 0, -1).
GUIDED = torch.tensor([3.0, -2.0, -1.0])
