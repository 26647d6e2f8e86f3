"""Safe latent diffusion: the negative acts element by element, where the picture is near it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

from negspace.errors import RequestError, no_such
from negspace.guidance.base import Step, setting
from negspace.guidance.branch import EMPTY, NEGATIVE, POSITIVE, Branch
from negspace.guidance.shared.terms import FromEmpty, branches_of, negative_weights, plainly_guided, to_eps
from negspace.guidance.tensor import Tensor
from negspace.strength import Constant, Moment, Strength

PRESETS: dict[str, dict[str, float]] = {
    "weak": {"warmup": 0.3, "negative": 200, "threshold": 0.0, "momentum": 0.0, "decay": 0.0},
    "medium": {"warmup": 0.2, "negative": 1000, "threshold": 0.01, "momentum": 0.3, "decay": 0.4},
    "strong": {"warmup": 0.14, "negative": 2000, "threshold": 0.025, "momentum": 0.5, "decay": 0.7},
    "max": {"warmup": 0.0, "negative": 5000, "threshold": 1.0, "momentum": 0.5, "decay": 0.7},
}
"""The settings of the paper by name. Its warm-ups, 15, 10, 7 and 0 of 50 steps, are shares here."""


@final
@dataclass(frozen=True)
class Sld(FromEmpty["Tensor | None"]):
    """d = d_u + w (d_c - d_u - g), g = m (d_n - d_u) + s v, Schramowski et al., arXiv 2211.05105; in x0.

    Element by element m = min(1, k |e|) where e < t, else 0, with e the difference d_c - d_n of eps; the
    momentum v, kept in eps, becomes f v + (1 - f) g after every step, also before g is applied. Everything
    avoided is one text. Three evaluations; without momentum, two before the first step in which it acts. The
    defaults are the paper's Medium; `Sld.preset` has Weak, Medium, Strong and Max. The warm-up is a share of
    the steps, for 50 of them as many as in the paper.

    Attributes:
        strength: how much of it acts, and when; where it is 0, only the positive is evaluated.
    """

    name = "sld"
    formula = (
        "d = d_u + w (d_c - d_u - g), g = m (d_n - d_u) + s v, "
        "m = min(1, k |d_c - d_n|) where d_c - d_n < t, else 0, v <- f v + (1 - f) g"
    )
    paper = "Schramowski et al., Safe Latent Diffusion, arXiv 2211.05105"
    space = "x0"
    delivery = "text"

    scale: float = setting(7.5, "w", low=0)
    negative: float = setting(1000.0, "k", low=0)
    threshold: float = setting(0.01, "t")
    momentum: float = setting(0.3, "s", low=0, high=1)
    decay: float = setting(0.4, "f, the share of the momentum that stays", low=0, high=1)
    warmup: float = setting(0.2, "share of the steps, from the first, in which it does not act", 0, 1)
    strength: Strength = Constant()

    def reaches(self, moment: Moment) -> bool:
        return super().reaches(moment) and moment.progress >= self.warmup

    @classmethod
    def preset(cls, name: str, scale: float = 7.5, strength: Strength | None = None) -> Self:
        """The rule with the paper's settings "weak", "medium", "strong" or "max".

        Raises:
            RequestError: there is no such preset.
        """
        if name not in PRESETS:
            raise RequestError(no_such("preset of sld", name, PRESETS))
        return cls(scale=scale, strength=strength or Constant(), **PRESETS[name])

    def init(self) -> Tensor | None:
        return None

    def branches(self, step: Step, state: Tensor | None) -> tuple[Branch, ...]:
        if self.strength.at(step) == 0:
            return branches_of()
        if self.negative and negative_weights(step) and (step.progress >= self.warmup or self.momentum):
            return branches_of(EMPTY, NEGATIVE)
        return branches_of() if self.scale == 1 else branches_of(EMPTY)

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        guided = plainly_guided(predictions, self.scale_at(step))
        if NEGATIVE not in predictions:
            return guided, state
        negative = predictions[NEGATIVE]
        unit = to_eps(step)
        ahead = unit * (predictions[POSITIVE] - negative)
        mask = (self.negative * ahead.abs()).clamp(max=1.0).where(ahead < self.threshold, 0.0)
        push = mask * (negative - predictions[EMPTY])
        before = push.new_zeros(push.shape) if state is None else state
        if unit:
            push = push + self.momentum / unit * before
        after = self.decay * before + (1 - self.decay) * unit * push
        if step.progress < self.warmup:
            return guided, after
        return guided - self.strength.at(step) * self.scale * push, after
