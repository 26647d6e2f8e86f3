"""slg by hand: w = 3 inside, k = 2."""

import torch

from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.rules.slg import Slg
from negspace.models.network.patching import skipped_layers
from negspace.strength import Constant

RULE = Slg(Cfg(scale=3.0), weight=2.0, strength=Constant())
PREDICTIONS = {
    "positive": torch.tensor([1.0, -2.0]),
    "negative": torch.tensor([0.5, 2.0]),
    "slg": torch.tensor([0.0, 2.0]),
}
# 0.5 + 3 * 0.5 + 2 * 1 = 4;  2 - 3 * 4 - 2 * 4 = -18
GUIDED = torch.tensor([4.0, -18.0])
NEUTRAL = Slg(Cfg(scale=3.0), weight=0.0)


def check() -> None:
    """Of 24 layers the defaults skip 7 to 9; of 6 the second and the third, of one that one."""
    assert [i for i, left in enumerate(skipped_layers(Slg().patch(), 24)) if left] == [7, 8, 9]
    assert skipped_layers(Slg().patch(), 6) == [False, True, True, False, False, False]
    assert skipped_layers(Slg().patch(), 1) == [True]
