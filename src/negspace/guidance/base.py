"""The base of guidance rules: a rule names its branches, the engine runs them, the rule combines them.

Every noisy picture is `x = a*x0 + s*eps` for the (a, s) of its step. A network answers in one of four
spaces, linear in each other: `x0`, `eps`, `v = a*eps - s*x0`, `flow = eps - x0`. A rule states the space
it is defined in and the engine converts. A rule that adds predictions with weights that sum to 1 is the
same in all of them and says "any".
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from math import inf
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

from negspace.errors import RequestError
from negspace.guidance.branch import Branch, Need, Patch
from negspace.guidance.tensor import Tensor
from negspace.ruletext import Call, Value
from negspace.strength import Moment, Strength

Space = Literal["x0", "eps", "v", "flow"]
Delivery = Literal["text", "terms", "joint", "attention", "nothing"]
State = TypeVar("State")


@dataclass(frozen=True, eq=False)
class Step(Moment):
    """Where a picture stands in its schedule.

    Attributes:
        x: [batch, channels, height, width] float32, the noisy picture the network reads, `x = a*x0 + s*eps`.
        a, s: share of picture and of noise in x.
        negatives: the weight of each separate term at this step, by side.
        following: (a, s) of the next step; after the last step, of where the sampler ends.
        locked: the sides of those terms that a policy locks.
    """

    x: Tensor
    a: float
    s: float
    negatives: Mapping[str, float]
    following: tuple[float, float] = (1.0, 0.0)
    locked: frozenset[str] = frozenset()


def setting(default: float, meaning: str, low: float = -inf, high: float = inf) -> Any:
    """A number of a rule as a dataclass field: its default, what it means, and its range, ends included."""
    return field(default=default, metadata={"meaning": meaning, "low": low, "high": high})


class Rule(ABC, Generic[State]):
    """How predictions are combined. Subclasses are final, frozen dataclasses of settings without other state.

    Class attributes:
        name: in `RULES`, and of its module.
        formula: in the notation of the paper, with d_c, d_n, d_u for positive, negative, empty.
        paper: where it comes from.
        space: in which its predictions are expressed; "any" takes the network's own.
        delivery: how it passes on what is avoided: as one "text" that a branch reads, in "terms" with a
            branch each, "joint" with the prompt in a branch, in the "attention" of the positive branch, or
            "nothing", where that is left to a rule inside.
        acts_at_scale_1: whether what is avoided acts where the scale is 1.
        made_for_scale: the scale it was made for; None takes the model's.
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    paper: ClassVar[str]
    space: ClassVar[Literal["any"] | Space]
    delivery: ClassVar[Delivery] = "nothing"
    acts_at_scale_1: ClassVar[bool] = False
    made_for_scale: ClassVar[float | None] = None

    def __post_init__(self) -> None:
        for entry in self.settings():
            value = getattr(self, entry.name)
            low, high = entry.metadata["low"], entry.metadata["high"]
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and low <= value <= high and abs(value) < inf):
                expected = f"{entry.name} must be a number {range_in_words(low, high)}".rstrip()
                raise RequestError(f"rule {self.name}: {expected} (given: {value!r:.40})")

    @classmethod
    def settings(cls) -> tuple[Field[Any], ...]:
        """The numbers that can be set; `metadata` holds "meaning", "low" and "high"."""
        return tuple(entry for entry in fields(cls) if "meaning" in entry.metadata)  # type: ignore[arg-type]

    @classmethod
    def needs(cls) -> frozenset[Need | None]:
        """What a network must have for it, by the patches of the rule with its default settings."""
        return frozenset(patch.needs for patch in cls().patches())

    @property
    def effective_space(self) -> Literal["any"] | Space:
        """The space of this rule, its inner rules considered."""
        return self.space

    def written(self) -> str:
        """The text that `make` turns into an equal rule, its scale included."""
        return write(self, always=("scale",))

    def patches(self) -> tuple[Patch, ...]:
        """Every change to the network that the rule may ask for."""
        return ()

    def reaches(self, moment: Moment) -> bool:
        """Whether these settings let what is avoided make a difference at a moment."""
        return True

    def remarks(self, steps: int) -> Iterator[str]:
        """What should be known of these settings where something is avoided in so many steps, before anything
        runs."""
        yield from ()

    @abstractmethod
    def off(self) -> Self:
        """The same rule with its settings changed so that it does nothing: the positive alone."""

    @abstractmethod
    def init(self) -> State:
        """The state before the first step."""

    @abstractmethod
    def branches(self, step: Step, state: State) -> tuple[Branch, ...]:
        """The predictions it needs at this step. Only the positive means that the rule is off."""

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
    """A rule around another one: it changes the branches of the inner rule, its predictions, or its output.

    Subclasses declare `inner: Rule[Any] = Cfg()` as a field. A wrapper for "any" space has the space of its
    inner rule. Its state is (its own, the inner rule's).
    """

    inner: Rule[Any]

    @property
    def effective_space(self) -> Literal["any"] | Space:
        return self.inner.effective_space if self.space == "any" else self.space

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

    def combine_inner(self, predictions: Mapping[str, Tensor], step: Step, state: Any) -> tuple[Tensor, Any]:
        """The output of the inner rule, and its next state; predictions and output in this rule's space."""
        inner, own = self.inner.effective_space, self.effective_space
        if inner == "any" or own == "any" or inner == own:
            return self.inner.combine(predictions, step, state)
        converted = {name: convert(prediction, own, inner, step) for name, prediction in predictions.items()}
        guided, state = self.inner.combine(converted, step, state)
        return convert(guided, inner, own, step), state


def write(rule: Rule[Any], always: Collection[str] = ()) -> str:
    """The text that `make` turns into an equal rule.

    Args:
        rule: any.
        always: settings that are written even at their defaults; the others are left out there.
    """
    return str(_call(rule, always))


def _call(value: Rule[Any] | Strength, always: Collection[str] = ()) -> Call:
    named: list[tuple[str, Value]] = []
    values: list[Value] = []
    for entry in fields(value):  # type: ignore[arg-type]
        current = getattr(value, entry.name)
        text = _call(current, always) if isinstance(current, Rule | Strength) else current
        inner = isinstance(text, Call) and isinstance(current, Rule) and _sets(text, always)
        if entry.default is MISSING:
            values.append(text)
        elif current != entry.default or entry.name in always or inner:
            named.append((entry.name, text))
    return Call(value.name, tuple(values), tuple(named))


def _sets(call: Call, names: Collection[str]) -> bool:
    return any(name in names for inner in call.calls() for name, _ in inner.named)


def range_in_words(low: float, high: float) -> str:
    """ "from 0 to 1", "from 0 on", "up to 1", or nothing where there is no bound."""
    if low == -inf:
        return "" if high == inf else f"up to {high:g}"
    return f"from {low:g} on" if high == inf else f"from {low:g} to {high:g}"


def convert(prediction: Tensor, source: Space, target: Space, step: Step) -> Tensor:
    """A prediction expressed in another space, for `x = a*x0 + s*eps`.

    Raises:
        RequestError: the target cannot be computed from the prediction in pure noise or without noise.
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
    """(x0, eps), computed without a division by a small number where that is possible."""
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
