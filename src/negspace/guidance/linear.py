"""Rules that add predictions with weights known before anything is evaluated."""

from abc import abstractmethod
from collections.abc import Mapping

from torch import Tensor

from negspace.guidance.avoiding import Avoiding, asking
from negspace.guidance.base import EMPTY, POSITIVE, Branch, Step

_NOTHING = 1e-9


class Linear(Avoiding[None]):
    """d = d_u + w (d_c - d_u) - sum_j g_j (d_nj - d_u), the same in every space.

    Written around d_c the weights of the others are 1 - w + sum_j g_j for d_u and -g_j for d_nj, and what
    weighs nothing is not evaluated: one negative with g = w - 1 needs no empty prompt.
    """

    @abstractmethod
    def weigh(self, step: Step) -> tuple[float, dict[str, float]]:
        """(w, g by side) at this step."""

    def init(self) -> None:
        return None

    def branches(self, step: Step, state: None) -> tuple[Branch, ...]:
        return asking(*self._others(step))

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: None) -> tuple[Tensor, None]:
        guided = positive = predictions[POSITIVE]
        for side, weight in self._others(step).items():
            guided = guided + weight * (predictions[side] - positive)
        return guided, None

    def _others(self, step: Step) -> dict[str, float]:
        scale, away = self.weigh(step)
        weights = {EMPTY: 1.0 - scale + sum(away.values())} | {side: -push for side, push in away.items()}
        return {side: weight for side, weight in weights.items() if abs(weight) > _NOTHING}
