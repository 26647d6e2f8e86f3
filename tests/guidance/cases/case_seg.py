"""seg by hand: w = 3 inside, k = 0.5; a blur far wider than the picture leaves the mean query."""

import math

import torch

from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.rules.seg import Seg
from negspace.models.network.attention import BlurProcessor, gaussian
from tests.guidance.tiny import TinyAttention

RULE = Seg(Cfg(scale=3.0), weight=0.5, blur=1e6)
PREDICTIONS = {
    "positive": torch.tensor([1.0, -2.0]),
    "negative": torch.tensor([0.5, 2.0]),
    "seg": torch.tensor([0.0, 2.0]),
}
# 0.5 + 3 * 0.5 + 0.5 * 1 = 2.5;  2 - 3 * 4 - 0.5 * 4 = -12
GUIDED = torch.tensor([2.5, -12.0])
NEUTRAL = Seg(Cfg(scale=3.0), weight=0.0)


def check() -> None:
    hidden = torch.tensor([[[0.0], [2 * math.log(3)]]])
    attention = TinyAttention(
        to_k=lambda _: torch.tensor([[[0.0], [1.0]]]), to_v=lambda _: torch.tensor([[[4.0], [8.0]]])
    )
    # the mean query is ln 3, so the attention is 1 : 3 and (4 + 3 * 8) / 4 = 7, for both tokens
    blurred = BlurProcessor([RULE.patch().blur], (1, 2))(attention, hidden)
    assert torch.allclose(blurred, torch.tensor([[[7.0], [7.0]]]))
    # a blur of 1 weighs the neighbour with e^(-1/2)
    near = 1 / (1 + math.exp(-0.5))
    assert torch.allclose(gaussian(2, 1.0), torch.tensor([[near, 1 - near], [1 - near, near]]))
    assert torch.equal(gaussian(3, 0.0), torch.eye(3))
