"""negpip by hand: k = 0.5; every score is 0, the last token of the negative is padding."""

import torch

from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.rules.negpip import Negpip
from negspace.models.network.attention import SignFlipProcessor
from tests.guidance.tiny import TinyAttention

RULE = Negpip(Cfg(scale=1.0), weight=0.5)
PREDICTIONS = {"positive": torch.tensor([1.0, -2.0])}
GUIDED = torch.tensor([1.0, -2.0])
NEUTRAL = Negpip(Cfg(scale=3.0), weight=0.0)


def check() -> None:
    query = torch.zeros(1, 1, 1)
    told = torch.tensor([2.0, 4.0, 6.0, 100.0]).reshape(1, 4, 1)
    words = torch.tensor([[True, False]])
    attended = SignFlipProcessor([RULE.patch(RULE.weight)], words, split=2)(TinyAttention(), query, told)
    # (2 + 4 - 0.5 * 6) / 3
    assert torch.allclose(attended, torch.tensor([[[1.0]]]))
