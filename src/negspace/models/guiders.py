"""Rules of ours as diffusers guiders, and diffusers guiders as rules of ours."""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Self, final

import torch
from diffusers.guiders.guider_utils import BaseGuidance, GuiderOutput
from torch import Tensor, nn

from negspace.errors import RequestError
from negspace.guidance import Branch, Rule, Space, Step, convert, write
from negspace.guidance.branch import NEGATIVE, POSITIVE

_SPACES: dict[str, Space] = {"epsilon": "eps", "v_prediction": "v", "sample": "x0", "flow_prediction": "flow"}
_SIDES = {"pred_cond": POSITIVE, "pred_uncond": NEGATIVE}
_KEY = BaseGuidance._identifier_key


@final
class RuleGuider(BaseGuidance):
    """A rule of ours where diffusers takes a guider, as in Modular Diffusers.

    A guider is told neither the noisy picture nor how much noise is in it. The first is taken from what the
    denoiser is called with, between `prepare_models` and `cleanup_models`; the second from the scheduler.

    Args:
        rule: the rule.
        scheduler: the one that the pipeline uses; its `timesteps` are read while it runs.
        sides: what the pipeline's tuples of inputs hold, in their order. diffusers' own blocks make pairs of
            the prompt's and the negative prompt's; a rule that needs more wants blocks that make more.
        weights: of the sides to be avoided one by one, where there are such.

    Raises:
        RequestError: nothing is known of the scheduler's noise, or, while it runs, the rule needs a side that
            is not told, a changed network, or the noisy picture before there is one.
    """

    _input_predictions = ["pred_cond", "pred_uncond"]

    def __init__(
        self,
        rule: Rule[Any],
        scheduler: Any,
        sides: Sequence[str] = (POSITIVE, NEGATIVE),
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.rule = rule
        self.scheduler = scheduler
        self.sides = tuple(sides)
        self.weights = dict(weights or {})
        self._space: Space = _space_of(scheduler)
        self._state: Any = rule.init()
        self._x: Tensor | None = None
        self._hook: Any = None
        self.register_to_config(rule=_text(rule), sides=list(self.sides), weights=self.weights)

    def new(self, **kwargs: Any) -> "RuleGuider":
        """A fresh guider with the same arguments, or with others."""
        given = {"rule": self.rule, "scheduler": self.scheduler, "sides": self.sides, "weights": self.weights}
        return RuleGuider(**{**given, **kwargs})

    def set_state(self, step: int, num_inference_steps: int, timestep: Any) -> None:
        super().set_state(step, num_inference_steps, timestep)
        self._x = None
        if step == 0:
            self._state = self.rule.init()

    def prepare_models(self, denoiser: nn.Module) -> None:
        super().prepare_models(denoiser)

        def look(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._x = args[0] if args else kwargs.get("sample", kwargs.get("hidden_states"))

        self._hook = denoiser.register_forward_pre_hook(look, with_kwargs=True)

    def cleanup_models(self, denoiser: nn.Module) -> None:
        self._hook.remove()

    def prepare_inputs(self, data: Any) -> list[Any]:
        return [self._prepare_batch(data, self._place(branch), branch.name) for branch in self._branches()]

    def prepare_inputs_from_block_state(self, data: Any, input_fields: dict[str, Any]) -> list[Any]:
        return [
            self._prepare_batch_from_block_state(input_fields, data, self._place(branch), branch.name)
            for branch in self._branches()
        ]

    def forward(self, **predictions: Tensor) -> GuiderOutput:
        dtype = predictions[POSITIVE].dtype
        step = self._moment(self._shown(predictions[POSITIVE]))
        home: Space = self._space if self.rule.effective_space == "any" else self.rule.effective_space
        inputs = {
            name: convert(answer.float(), self._space, home, step) for name, answer in predictions.items()
        }
        guided, self._state = self.rule.combine(inputs, step, self._state)
        pred = convert(guided, home, self._space, step).to(dtype)
        return GuiderOutput(pred=pred, pred_cond=predictions[POSITIVE], pred_uncond=predictions.get(NEGATIVE))

    @property
    def is_conditional(self) -> bool:
        return self._count_prepared == 1

    @property
    def num_conditions(self) -> int:
        return 1 if self._step is None else len(self._branches())

    def _branches(self) -> tuple[Branch, ...]:
        if not self._enabled:
            return (Branch(POSITIVE, POSITIVE),)
        # Nothing can be read from a tensor on this device: what would need the picture fails, and says so.
        step = self._moment(torch.empty(1, device="meta"))
        try:
            return self.rule.branches(step, self._state)
        except (RuntimeError, NotImplementedError) as error:
            raise RequestError(
                f"rule {self.rule.name} decides by the noisy picture what it needs; no guider is shown that"
            ) from error

    def _place(self, branch: Branch) -> int:
        if branch.patch is not None:
            raise RequestError(
                f"rule {self.rule.name} needs a changed network, which a guider cannot ask for"
            )
        if branch.side not in self.sides:
            names = ", ".join(self.sides)
            raise RequestError(f"rule {self.rule.name} needs the side {branch.side!r}; told are {names}")
        return self.sides.index(branch.side)

    def _shown(self, prediction: Tensor) -> Tensor:
        """What the denoiser was shown; only a rule at home in another space has to know."""
        if prediction.ndim != 4:
            raise RequestError(
                f"a rule needs predictions [batch, channels, height, width], not {tuple(prediction.shape)}"
            )
        if self._x is not None:
            return self._x.float()
        if self.rule.effective_space in ("any", self._space):
            return torch.zeros_like(prediction, dtype=torch.float32)
        raise RequestError(
            f"rule {self.rule.name} needs to see what the denoiser is shown: call prepare_models before it"
        )

    def _moment(self, x: Tensor) -> Step:
        times = [float(time) for time in self.scheduler.timesteps]
        time = float(self._timestep)
        if time not in times:
            raise RequestError(f"the scheduler has no step at {time:g}; give the one that the pipeline uses")
        a, s = self._level(time)
        later = times[times.index(time) + 1 :]
        following = self._level(later[0]) if later else (1.0, 0.0)
        sigma = s / a if a else math.inf
        return Step(self._step, self._num_inference_steps, sigma, x, a, s, self.weights, following)

    def _level(self, time: float) -> tuple[float, float]:
        """(a, s) at a time, which lies between two of the trained ones where a schedule is denser."""
        if self._space == "flow":
            s = time / self.scheduler.config.num_train_timesteps
            return 1.0 - s, s
        bars = self.scheduler.alphas_cumprod
        low = min(math.floor(time), len(bars) - 1)
        first, second = (_log_sigma(float(bars[i])) for i in (low, min(low + 1, len(bars) - 1)))
        sigma = math.exp(first + (time - low) * (second - first))
        a = (1 + sigma * sigma) ** -0.5
        return a, sigma * a


@final
@dataclass(frozen=True, eq=False)
class GuiderRule(Rule[BaseGuidance]):
    """What the guider says, d = guider(d_c, d_n), in the network's own space as diffusers runs it.

    As many evaluations as the guider asks for. Its memory is copied into the state of every picture, and the
    guider that is given is never changed.

    Attributes:
        guider: any diffusers guider that leaves the network as it is.

    Raises:
        RequestError: the guider changes the network.
    """

    name = "guider"
    formula = "d = guider(d_c, d_n)"
    paper = "diffusers.guiders"
    space = "any"

    guider: BaseGuidance

    def __post_init__(self) -> None:
        kind = type(self.guider)
        if kind.prepare_models is not BaseGuidance.prepare_models:
            raise RequestError(
                f"guider {kind.__name__} changes the network, which only diffusers can do for it"
            )
        super().__post_init__()

    def off(self) -> Self:
        guider = deepcopy(self.guider)
        guider.disable()
        return replace(self, guider=guider)

    def init(self) -> BaseGuidance:
        return deepcopy(self.guider)

    def branches(self, step: Step, state: BaseGuidance) -> tuple[Branch, ...]:
        names = [getattr(batch, _KEY) for batch in self._asks(deepcopy(state), step)]
        unknown = [name for name in names if name not in _SIDES]
        if unknown:
            raise RequestError(
                f"guider {type(state).__name__} asks for {unknown[0]!r}, which no side stands for"
            )
        return tuple(Branch(_SIDES[name], _SIDES[name]) for name in names)

    def combine(
        self, predictions: Mapping[str, Tensor], step: Step, state: BaseGuidance
    ) -> tuple[Tensor, BaseGuidance]:
        after = deepcopy(state)
        batches = self._asks(after, step)
        for batch in batches:
            batch.noise_pred = predictions[_SIDES[getattr(batch, _KEY)]]
        return after(batches)[0], after

    @staticmethod
    def _asks(guider: Any, step: Step) -> list[Any]:
        """What the guider asks for at a step; it may change by being asked."""
        nothing = torch.empty(0)
        guider.set_state(step.index, step.count, torch.tensor(0))
        return guider.prepare_inputs({"told": (nothing, nothing)})


def _space_of(scheduler: Any) -> Space:
    if hasattr(scheduler, "alphas_cumprod"):
        return _SPACES[scheduler.config.prediction_type]
    if "Flow" in type(scheduler).__name__:
        return "flow"
    raise RequestError(f"nothing is known of the noise of {type(scheduler).__name__}")


def _log_sigma(bar: float) -> float:
    return 0.5 * math.log((1 - bar) / bar)


def _text(rule: Rule[Any]) -> str:
    return "a guider" if isinstance(rule, GuiderRule) else write(rule)
