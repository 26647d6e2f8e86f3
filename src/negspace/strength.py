"""How strongly something acts over the schedule, as a number: 0 is off, 1 is full.

A guidance scale is scaled around its off value by it: the effective scale is 1 + strength * (scale - 1).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, final, get_args

from negspace.errors import RequestError, no_such

StrengthAxis = Literal["progress", "sigma"]
Shape = Literal["linear", "cosine"]


@dataclass(frozen=True)
class Moment:
    """A place in the schedule.

    Attributes:
        index, count: the current evaluation, from 0, and how many there are.
        sigma: noise over signal, s / a of `x = a*x0 + s*eps`; infinite in pure noise.
    """

    index: int
    count: int
    sigma: float

    @property
    def progress(self) -> float:
        """Share of the evaluations that are done, 0 at the first."""
        return self.index / self.count


def _finite(name: str, *values: float) -> None:
    if not all(math.isfinite(value) for value in values):
        raise RequestError(f"{name} strength: {', '.join(map(str, values))} must be finite numbers")


def _known(name: str, what: str, given: object, known: tuple[str, ...]) -> None:
    if given not in known:
        raise RequestError(f"{name} strength: {no_such(what, str(given), known)}")


def _on_axis(name: str, start: float, stop: float, axis: StrengthAxis) -> None:
    _known(name, "axis", axis, get_args(StrengthAxis))
    if axis == "progress":
        if not 0 <= start < stop <= 1:
            raise RequestError(
                f"{name} strength: progress from {start} to {stop} must lie in 0..1 and be in order"
            )
    elif not 0 <= stop < start:
        raise RequestError(f"{name} strength: sigma falls, so start {start} must be above stop {stop} >= 0")


class Strength(ABC):
    """A number over the schedule. Subclasses are final, frozen dataclasses.

    Class attributes:
        name: in `STRENGTHS`.
    """

    name: ClassVar[str]

    @abstractmethod
    def at(self, moment: Moment) -> float:
        """How strongly at this moment; 0 is off."""


@final
@dataclass(frozen=True)
class Constant(Strength):
    """The same at every moment."""

    name = "constant"

    weight: float = 1.0

    def __post_init__(self) -> None:
        _finite("constant", self.weight)

    def at(self, moment: Moment) -> float:
        return self.weight


@final
@dataclass(frozen=True)
class Window(Strength):
    """`weight` while start <= place < stop, else 0.

    On the progress axis start and stop are shares of the steps, and every step has exactly one place, so
    windows that touch neither overlap nor leave a step out. On the sigma axis start is the larger sigma,
    and the window is stop < sigma <= start.
    """

    name = "window"

    start: float
    stop: float
    weight: Strength = Constant()
    axis: StrengthAxis = "progress"

    def __post_init__(self) -> None:
        _on_axis("window", self.start, self.stop, self.axis)

    def at(self, moment: Moment) -> float:
        if self.axis == "progress":
            here = self.start <= moment.progress < self.stop
        else:
            here = self.stop < moment.sigma <= self.start
        return self.weight.at(moment) if here else 0.0


@final
@dataclass(frozen=True)
class Ramp(Strength):
    """From `first` at the first evaluation to `last` at the last one, on a straight line or half a cosine."""

    name = "ramp"

    first: float
    last: float
    shape: Shape = "linear"

    def __post_init__(self) -> None:
        _finite("ramp", self.first, self.last)
        _known("ramp", "shape", self.shape, get_args(Shape))

    def at(self, moment: Moment) -> float:
        share = moment.index / max(moment.count - 1, 1)
        if self.shape == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        return (1 - share) * self.first + share * self.last


@final
@dataclass(frozen=True)
class LowHighLow(Strength):
    """A triangle from 0 at the first evaluation over a peak in the middle to 0 at the last one.

    Its mean over the evaluations is `weight`: the same amount of guidance, moved to the middle, as TV-CFG
    does, arXiv 2509.22007. One or two evaluations have no middle; there it is constant.
    """

    name = "low_high_low"

    weight: float = 1.0

    def __post_init__(self) -> None:
        _finite("low_high_low", self.weight)

    def at(self, moment: Moment) -> float:
        last = moment.count - 1
        if last < 2:
            return self.weight
        # the heights 0, 1, 2.. up and down again add up to this
        area = (last // 2) * ((last + 1) // 2)
        height = min(moment.index, last - moment.index)
        return self.weight * moment.count * height / area


def constant(weight: float = 1.0) -> Strength:
    """The same at every moment. A RequestError where the weight is not a finite number."""
    return Constant(weight)


def window(
    start: float, stop: float, weight: float | Strength = 1.0, axis: StrengthAxis = "progress"
) -> Strength:
    """`weight` between start and stop, off elsewhere: `window(0.17, 0.6)` is from 17 % to 60 % of the steps.

    Args:
        start, stop: shares of the steps with start < stop; on the sigma axis, sigmas with start > stop.
        weight: a number, or another strength that is then cut to the window.
        axis: what start and stop are measured in.

    Raises:
        RequestError: the bounds are not finite, not in order, or not shares, or the axis is unknown.
    """
    return Window(start, stop, weight if isinstance(weight, Strength) else Constant(weight), axis)


def ramp(first: float, last: float, shape: Shape = "linear") -> Strength:
    """As `Ramp`. A RequestError where a bound is not a finite number, or the shape is unknown."""
    return Ramp(first, last, shape)


def low_high_low(weight: float = 1.0) -> Strength:
    """As `LowHighLow`. A RequestError where the weight is not a finite number."""
    return LowHighLow(weight)


STRENGTHS: dict[str, Callable[..., Strength]] = {
    "constant": constant,
    "window": window,
    "ramp": ramp,
    "low_high_low": low_high_low,
}
"""Makes every strength, by the name that its class and rules written as text call it."""
