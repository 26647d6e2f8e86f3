"""Two scales: one towards the prompt, one away from what is avoided."""

from dataclasses import dataclass
from typing import final

from negspace.guidance.base import Step, setting
from negspace.guidance.shared.terms import Linear, negative_weights
from negspace.strength import Constant, Strength


@final
@dataclass(frozen=True)
class Dual(Linear):
    """d = d_u + w (d_c - d_u) - g sum_j w_j (d_nj - d_u), signed guidance as in arXiv 2510.26052; any space.

    One evaluation for the prompt, one for each avoided term, one for the empty prompt. The last is not needed
    where g sum_j w_j = w - 1, which is the same as cfg.

    Attributes:
        strength: how much of both scales acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "dual"
    formula = "d = d_u + w (d_c - d_u) - g sum_j w_j (d_nj - d_u)"
    paper = "signed guidance, as used by VL-DNP (vision-language dynamic negative prompts), arXiv 2510.26052"
    space = "any"

    scale: float = setting(7.5, "w, towards the prompt", low=0)
    negative: float = setting(7.5, "g, away from what is avoided; VL-DNP uses up to 20", low=0)
    strength: Strength = Constant()

    def weights(self, step: Step) -> tuple[float, dict[str, float]]:
        strength = self.strength.at(step)
        away = {side: strength * self.negative * weight for side, weight in negative_weights(step).items()}
        return self.scale_at(step), away
