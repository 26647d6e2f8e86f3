"""vsf by hand: k = 1.5, b = ln 2; every score is 0, the last token of the negative is padding."""

import math

import torch

from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.rules.vsf import Vsf
from negspace.models.network.attention import SignFlipProcessor
from tests.guidance.tiny import TinyAttention

RULE = Vsf(Cfg(scale=1.0), weight=1.5, bias=math.log(2))
PREDICTIONS = {"positive": torch.tensor([1.0, -2.0])}
GUIDED = torch.tensor([1.0, -2.0])
NEUTRAL = Vsf(Cfg(scale=3.0), weight=0.0)


def check() -> None:
    query = torch.zeros(1, 1, 1)
    told = torch.tensor([2.0, 4.0, 6.0, 100.0]).reshape(1, 4, 1)
    words = torch.tensor([[True, False]])
    attended = SignFlipProcessor([RULE.patch(RULE.weight)], words, split=2)(TinyAttention(), query, told)
    # the attention is 1 : 1 : 1/2, so (2 + 4 - 1.5 * 6 / 2) / 2.5
    assert torch.allclose(attended, torch.tensor([[[0.6]]]))
