"""What a guidance rule is: it names the branches it needs, the engine runs them, the rule combines them.

Every noisy picture is `x = a*x0 + s*eps` for the (a, s) of its step. A network answers in one of four
spaces, linear in each other: `x0`, `eps`, `v = a*eps - s*x0`, `flow = eps - x0`. A rule states the space
it is defined in and the engine converts. A rule that adds predictions with weights that sum to 1 is the
same in all of them and says "any".
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from math import inf
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

from torch import Tensor

from negspace.errors import RequestError
from negspace.strength import Moment

Space = Literal["x0", "eps", "v", "flow"]
State = TypeVar("State")

POSITIVE, NEGATIVE, EMPTY, JOINT = "positive", "negative", "empty", "joint"


@dataclass(frozen=True)
class Patch:
    """A change to the network for one branch. Networks refuse the patches they cannot host.

    Attributes:
        sides: names of further sides of the lane whose conditioning the changed network reads.
    """

    sides: tuple[str, ...] = ()

    @property
    def kind(self) -> Hashable:
        """Equal for patches that one evaluation can carry out together, a row each."""
        return type(self)


@dataclass(frozen=True)
class ConditioningNoise:
    """Noise through which a branch is told: y' = keep * y + spread * N(0, 1), carried out before the network.

    It is drawn from the seed of the picture and the step alone, so a network needs to host nothing.

    Attributes:
        keep, spread: share of what is told, and strength of the noise.
        mix: share of y' that is brought back to y's mean and standard deviation.
    """

    keep: float
    spread: float
    mix: float


@dataclass(frozen=True)
class Branch:
    """One prediction that a rule asks for.

    Attributes:
        name: what the rule calls it, and under which its evaluations are counted.
        side: what the network is told: "positive"; "negative", what is avoided, or what stands for nothing
            where nothing is avoided; "empty"; "negative:0", "negative:1".. for things avoided one by one;
            "joint:0", "joint:1".., what is wanted together with some of what is avoided.
        patch: a change to the network; None runs it as it is.
        haze: noise on what the network is told; None tells it as it is.
    """

    name: str
    side: str
    patch: Patch | None = None
    noise: ConditioningNoise | None = None


@dataclass(frozen=True, eq=False)
class Step(Moment):
    """Where a picture stands in its schedule.

    Attributes:
        x: [batch, channels, height, width] float32, what the network is shown, `x = a*x0 + s*eps`.
        a, s: share of picture and of noise in x.
        negatives: the weight, at this step, of everything that is avoided one by one, by side.
        following: (a, s) of the next step, after the last one of where the sampler ends.
    """

    x: Tensor
    a: float
    s: float
    negatives: Mapping[str, float]
    following: tuple[float, float] = (1.0, 0.0)


def setting(default: float, meaning: str, low: float = -inf, high: float = inf) -> Any:
    """A number of a rule as a dataclass field: its default, what it means, and its range, ends included."""
    return field(default=default, metadata={"meaning": meaning, "low": low, "high": high})


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

    def __post_init__(self) -> None:
        for one in self.settings():
            value = getattr(self, one.name)
            low, high = one.metadata["low"], one.metadata["high"]
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and low <= value <= high and abs(value) < inf):
                wanted = f"{one.name} must be a number {range_in_words(low, high)}".rstrip()
                raise RequestError(f"rule {self.name}: {wanted} (given: {value!r:.40})")

    @classmethod
    def settings(cls) -> tuple[Field[Any], ...]:
        """The numbers that can be set; `metadata` holds "meaning", "low" and "high"."""
        return tuple(one for one in fields(cls) if "meaning" in one.metadata)  # type: ignore[arg-type]

    @property
    def home(self) -> Literal["any"] | Space:
        """The space that this very rule, with what it is wrapped around, is defined in."""
        return self.space

    def written(self) -> str:
        """The text that `make` gives the equal rule for, its scale included."""
        from negspace.guidance.text import write  # which makes rules, and so needs this module first

        return write(self, always=("scale",))

    def patches(self) -> tuple[Patch, ...]:
        """Every change to the network that it may ask for."""
        return ()

    @abstractmethod
    def off(self) -> Self:
        """The same rule with its strengths set so that nothing of it acts: the positive alone."""

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


class Wrapper(Rule[tuple[State, Any]], ABC):
    """A rule around another one: it changes what the inner rule asks for, is told, or makes of it.

    Subclasses declare `inner: Rule[Any] = Cfg()` as a field. A wrapper for "any" space is at home where its
    inner rule is. Its state is (its own, the inner rule's).
    """

    inner: Rule[Any]

    @property
    def home(self) -> Literal["any"] | Space:
        return self.inner.home if self.space == "any" else self.space

    def off(self) -> Self:
        return replace(self, inner=self.inner.off())  # type: ignore[type-var]

    def patches(self) -> tuple[Patch, ...]:
        return self.inner.patches()

    def init(self) -> tuple[State, Any]:
        return self.begin(), self.inner.init()

    @abstractmethod
    def begin(self) -> State:
        """The wrapper's own state before the first step."""

    def branches(self, step: Step, state: tuple[State, Any]) -> tuple[Branch, ...]:
        return self.inner.branches(step, state[1])

    def inside(self, predictions: Mapping[str, Tensor], step: Step, state: Any) -> tuple[Tensor, Any]:
        """What the inner rule makes of predictions in this rule's home, in this rule's home."""
        there, here = self.inner.home, self.home
        if there == "any" or here == "any" or there == here:
            return self.inner.combine(predictions, step, state)
        moved = {name: convert(told, here, there, step) for name, told in predictions.items()}
        guided, state = self.inner.combine(moved, step, state)
        return convert(guided, there, here, step), state


def range_in_words(low: float, high: float) -> str:
    """ "from 0 to 1", "from 0 on", "up to 1", or nothing where there is no bound."""
    if low == -inf:
        return "" if high == inf else f"up to {high:g}"
    return f"from {low:g} on" if high == inf else f"from {low:g} to {high:g}"


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
