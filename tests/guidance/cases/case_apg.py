"""apg by hand, first step: eta = 0.5, r = sqrt(5) / 2, around cfg at w = 3."""

import torch

from negspace.guidance import Cfg
from negspace.guidance.rules.apg import Apg

RULE = Apg(Cfg(3.0), eta=0.5, radius=(5 / 8) ** 0.5)  # of two numbers: r = sqrt(2) * sqrt(5/8)
NEUTRAL = Apg(Cfg(3.0), eta=1.0, radius=1e6, momentum=0.0)
PREDICTIONS = {"positive": torch.tensor([3.0, 4.0]), "negative": torch.tensor([2.0, 2.0])}
# g = (1, 2), length sqrt(5), is cut to (0.5, 1); along (3, 4): 5.5 / 25 * (3, 4) = (0.66, 0.88), across it
# (-0.16, 0.12); kept: (-0.16, 0.12) + 0.5 (0.66, 0.88) = (0.17, 0.56); d = (3, 4) + 2 (0.17, 0.56)
GUIDED = torch.tensor([3.34, 5.12])
