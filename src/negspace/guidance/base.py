"""What a guidance rule is: it names the branches it needs, the engine runs them, the rule combines them.

Every noisy picture is `x = a*x0 + s*eps` for the (a, s) of its step. A network answers in one of four
spaces, linear in each other: `x0`, `eps`, `v = a*eps - s*x0`, `flow = eps - x0`. A rule states the space
it is defined in and the engine converts. A rule that adds predictions with weights that sum to 1 is the
same in all of them and says "any".
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, TypeVar

from torch import Tensor

from negspace.errors import RequestError
from negspace.strength import Moment

Space = Literal["x0", "eps", "v", "flow"]
State = TypeVar("State")

POSITIVE, NEGATIVE, EMPTY = "positive", "negative", "empty"


@dataclass(frozen=True)
class Patch:
    """A change to the network for one branch. Networks refuse the patches they cannot host.

    Attributes:
        sides: names of further sides of the lane whose conditioning the changed network reads.
    """

    sides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Branch:
    """One prediction that a rule asks for.

    Attributes:
        name: what the rule calls it, and under which its evaluations are counted.
        side: what the network is told: "positive"; "negative", what is avoided, or what stands for nothing
            where nothing is avoided; "empty"; "negative:0", "negative:1".. for things avoided one by one.
        patch: a change to the network; None runs it as it is.
    """

    name: str
    side: str
    patch: Patch | None = None


@dataclass(frozen=True, eq=False)
class Step(Moment):
    """Where a picture stands in its schedule.

    Attributes:
        x: [batch, channels, height, width] float32, what the network is shown, `x = a*x0 + s*eps`.
        a, s: share of picture and of noise in x.
        negatives: the weight of everything that is avoided one by one, by side.
    """

    x: Tensor
    a: float
    s: float
    negatives: Mapping[str, float]


class Rule(ABC, Generic[State]):
    """How predictions are combined. Subclasses are final, frozen dataclasses of settings and keep nothing.

    Class attributes:
        name: in `RULES`.
        formula: in the notation of the paper, with d_c, d_n, d_u for positive, negative, empty.
        paper: where it comes from.
        space: where its predictions are to be expressed; "any" takes the network's own.
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    paper: ClassVar[str]
    space: ClassVar[Literal["any"] | Space]

    @abstractmethod
    def init(self) -> State:
        """The state before the first step."""

    @abstractmethod
    def branches(self, step: Step, state: State) -> tuple[Branch, ...]:
        """The predictions it needs at this step. The positive alone means that it is off."""

    @abstractmethod
    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: State) -> tuple[Tensor, State]:
        """The guided prediction.

        Args:
            predictions: by branch name, each [batch, channels, height, width] float32 in `space`.
            step: where the pictures stand.
            state: what `init` or the last `combine` returned.

        Returns:
            the guided prediction, same shape, in `space`, each picture by itself; and the next state.
        """


def convert(prediction: Tensor, source: Space, target: Space, step: Step) -> Tensor:
    """A prediction expressed in another space, for `x = a*x0 + s*eps`.

    Raises:
        RequestError: the prediction says nothing about the target at a step of pure noise or no noise.
    """
    if source == target:
        return prediction
    x0, eps = _parts(prediction, source, target, step)
    match target:
        case "x0":
            return x0
        case "eps":
            return eps
        case "v":
            return step.a * eps - step.s * x0
        case "flow":
            return eps - x0


def _parts(prediction: Tensor, source: Space, target: Space, step: Step) -> tuple[Tensor, Tensor]:
    """(x0, eps), whichever way of getting at them divides by nothing small where there is such a way."""
    x, a, s = step.x, step.a, step.s
    match source:
        case "x0":
            return prediction, (x - a * prediction) / _divisor(s, source, target)
        case "eps":
            return (x - s * prediction) / _divisor(a, source, target), prediction
        case "v":
            norm = a * a + s * s
            return (a * x - s * prediction) / norm, (s * x + a * prediction) / norm
        case "flow":
            return (x - s * prediction) / (a + s), (x + a * prediction) / (a + s)


def _divisor(value: float, source: Space, target: Space) -> float:
    if value == 0:
        pure = "noise" if source == "eps" else "picture"
        raise RequestError(f"{source} cannot be expressed as {target} at a step of pure {pure}")
    return value
