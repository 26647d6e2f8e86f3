"""Adaptive guidance: once all predictions are nearly equal, only the positive is evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, final

from negspace.guidance.base import Rule, Step, Wrapper, setting
from negspace.guidance.branch import POSITIVE, Branch
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.sums import norm, over
from negspace.guidance.shared.wrappers import others
from negspace.guidance.tensor import Tensor


@dataclass(frozen=True, eq=False)
class DistancePeak:
    """The distances of each picture so far.

    Attributes:
        peak: [batch, 1, 1, 1], the largest distance.
        stopped: [batch, 1, 1, 1] bool, whether guidance has ended.
    """

    peak: Tensor
    stopped: Tensor


@final
@dataclass(frozen=True)
class Adaptive(Wrapper[DistancePeak | None]):
    """d = g until max_k ||d_c - d_k|| / ||d_c|| < share of its peak, then d_c for good; in x0.

    After Castillo et al., arXiv 2312.12487. The paper stops where cos(d_c, d_u) of eps first exceeds 0.991.
    In the first steps noise makes all eps similar, so that test may stop guidance before it has had any
    effect. In x0 the distance is how far the picture would still move, whatever the noise. So it is measured
    there, and it must have fallen from its peak. The evaluations of the inner rule until then, one
    afterwards.

    Each picture of a batch stops by itself; evaluations are saved once all have stopped.

    Attributes:
        inner: the rule that is stopped.
    """

    name = "adaptive"
    formula = "d = g until max_k ||d_c - d_k|| / ||d_c|| < share of its peak, then d_c"
    paper = "after Castillo et al., Adaptive Guidance: Training-free Acceleration, arXiv 2312.12487"
    space = "x0"

    inner: Rule[Any] = Cfg()
    share: float = setting(0.1, "share of the peak distance below which guidance ends; 0 never ends it", 0, 1)

    def begin(self) -> None:
        return None

    def branches(self, step: Step, state: tuple[DistancePeak | None, Any]) -> tuple[Branch, ...]:
        watch, inner = state
        branches = self.inner.branches(step, inner)
        if watch is None or not bool(watch.stopped.all()):
            return branches
        return tuple(branch for branch in branches if branch.name == POSITIVE)

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: tuple[DistancePeak | None, Any]
    ) -> tuple[Tensor, tuple[DistancePeak | None, Any]]:
        watch, inner = state
        positive = predictions[POSITIVE]
        if watch is not None and bool(watch.stopped.all()):
            return positive, state
        guided, inner = self.combine_inner(predictions, step, inner)
        if watch is not None:
            guided = positive.where(watch.stopped, guided)
        return guided, (self._measured(predictions, watch), inner)

    def _measured(self, predictions: Mapping[str, Tensor], watch: DistancePeak | None) -> DistancePeak | None:
        positive, rest = predictions[POSITIVE], others(predictions)
        if not rest:
            return watch
        farthest = reduce(_larger, (norm(positive - other) for other in rest.values()))
        distance = over(farthest, norm(positive))
        if watch is None:
            return DistancePeak(distance, distance < 0)
        peak = _larger(watch.peak, distance)
        return DistancePeak(peak, watch.stopped | (distance < self.share * peak))


def _larger(first: Tensor, second: Tensor) -> Tensor:
    return first.maximum(second)
