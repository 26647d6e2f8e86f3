"""token_norm by hand: one token of two latents, around cfg at w = 3."""

import torch

from negspace.guidance import Cfg
from negspace.guidance.rules.token_norm import TokenNorm

RULE = TokenNorm(Cfg(3.0))
NEUTRAL = TokenNorm(Cfg(3.0), phi=0.0)
PREDICTIONS = {"positive": torch.tensor([3.0, 4.0]), "negative": torch.tensor([3.0, 0.0])}
# g = (3, 0) + 3 (0, 4) = (3, 12), of length sqrt(153); d_c is 5 long: d = g 5 / sqrt(153)
GUIDED = torch.tensor([3.0, 12.0]) * 5 / 153**0.5
