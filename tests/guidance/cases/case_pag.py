"""pag by hand: w = 3 inside, k = 1.5."""

import torch

from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.rules.pag import Pag
from negspace.models.network.attention import IdentityProcessor
from tests.guidance.tiny import TinyAttention

RULE = Pag(Cfg(scale=3.0), weight=1.5)
PREDICTIONS = {
    "positive": torch.tensor([1.0, -2.0]),
    "negative": torch.tensor([0.5, 2.0]),
    "pag": torch.tensor([0.0, 2.0]),
}
# 0.5 + 3 * 0.5 + 1.5 * 1 = 3.5;  2 - 3 * 4 - 1.5 * 4 = -16
GUIDED = torch.tensor([3.5, -16.0])
NEUTRAL = Pag(Cfg(scale=3.0), weight=0.0)


def check() -> None:
    """Every token answers with its own value."""
    hidden = torch.tensor([[[1.0], [5.0]]])
    assert torch.equal(IdentityProcessor()(TinyAttention(to_v=lambda x: 2 * x), hidden), 2 * hidden)
