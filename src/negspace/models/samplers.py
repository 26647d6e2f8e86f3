"""Samplers: diffusers' schedulers under the names people know, one instance a picture."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, final

from negspace.errors import RequestError, lookup

if TYPE_CHECKING:
    from torch import Generator, Tensor


@final
@dataclass(frozen=True)
class SamplerFacts:
    """Which scheduler stands behind a name.

    Attributes:
        module: under `diffusers.schedulers`.
        scheduler: class in it.
        settings: what is set on top of the model's own scheduler settings.
        levels: where the scheduler keeps its noise levels: a table of sigmas by evaluation, one of cumulative
            alphas by training step, or shares of noise ("flow").
        draws: whether its steps draw fresh noise.
        shift: for flow, the setting that shifts its levels towards noise.
    """

    module: str
    scheduler: str
    settings: dict[str, Any] = field(default_factory=dict)
    levels: Literal["sigmas", "alphas", "flow"] = "sigmas"
    draws: bool = False
    shift: str = ""


@final
@dataclass(frozen=True)
class Spacing:
    """How a model wants its noise levels spread, beyond its scheduler's settings.

    Attributes:
        mu: how far they are shifted towards noise at this size; None leaves it to the settings.
        levels: shares of noise before they are shifted, one a step; () is the scheduler's own.
    """

    mu: float | None = None
    levels: tuple[float, ...] = ()


AS_CONFIGURED = Spacing()
"""As the scheduler's settings say."""

_EULER = ("scheduling_euler_discrete", "EulerDiscreteScheduler")
_EULER_A = ("scheduling_euler_ancestral_discrete", "EulerAncestralDiscreteScheduler")
_HEUN = ("scheduling_heun_discrete", "HeunDiscreteScheduler")
_DPM = ("scheduling_dpmsolver_multistep", "DPMSolverMultistepScheduler")
_SINGLE = ("scheduling_dpmsolver_singlestep", "DPMSolverSinglestepScheduler")
_UNIPC = ("scheduling_unipc_multistep", "UniPCMultistepScheduler")
_LMS = ("scheduling_lms_discrete", "LMSDiscreteScheduler")
_SDE = {"algorithm_type": "sde-dpmsolver++"}
_WHOLE = {"lower_order_final": True}
_ZERO_SNR = "rescale_betas_zero_snr"
_LCM, _LMS_ORDER = "LCMScheduler", 4
_TRAILING = {"timestep_spacing": "trailing"}

SCHEDULES: dict[str, dict[str, Any]] = {
    "Karras": {"use_karras_sigmas": True},
    "Exponential": {"use_exponential_sigmas": True},
    "Beta": {"use_beta_sigmas": True},
    "SGM Uniform": _TRAILING,
}
"""How noise levels are spread, by the names of AUTOMATIC1111: settings of a scheduler. "Beta" needs scipy."""

_PLAIN = dict.fromkeys(("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"), False)
"""A schedule replaces that of the model's own settings."""


def _scheduled(name: str, facts: SamplerFacts, *schedules: str) -> dict[str, SamplerFacts]:
    """A sampler by its own schedule, and by these."""
    with_schedules = {
        f"{name} {schedule}": replace(facts, settings={**facts.settings, **_PLAIN, **SCHEDULES[schedule]})
        for schedule in schedules
    }
    return {name: facts, **with_schedules}


SAMPLERS: dict[str, SamplerFacts] = {
    "DDIM": SamplerFacts("scheduling_ddim", "DDIMScheduler", levels="alphas"),
    "DDIM SGM Uniform": SamplerFacts("scheduling_ddim", "DDIMScheduler", _TRAILING, levels="alphas"),
    "DDPM": SamplerFacts("scheduling_ddpm", "DDPMScheduler", levels="alphas", draws=True),
    **_scheduled("Euler", SamplerFacts(*_EULER), *SCHEDULES),
    "Euler a": SamplerFacts(*_EULER_A, draws=True),
    "Euler a SGM Uniform": SamplerFacts(*_EULER_A, _TRAILING, draws=True),
    **_scheduled("Heun", SamplerFacts(*_HEUN), *SCHEDULES),
    **_scheduled("DPM++ 2M", SamplerFacts(*_DPM), *SCHEDULES),
    **_scheduled("DPM++ 2M SDE", SamplerFacts(*_DPM, _SDE, draws=True), *SCHEDULES),
    **_scheduled("DPM++ 2S", SamplerFacts(*_SINGLE, _WHOLE), "Karras"),
    **_scheduled("DPM++ SDE", SamplerFacts(*_SINGLE, _SDE | _WHOLE, draws=True), "Karras"),
    **_scheduled("UniPC", SamplerFacts(*_UNIPC), *SCHEDULES),
    **_scheduled("LMS", SamplerFacts(*_LMS), "Karras"),
    "LCM": SamplerFacts("scheduling_lcm", _LCM, levels="alphas", draws=True),
    "TCD": SamplerFacts("scheduling_tcd", "TCDScheduler", levels="alphas", draws=True),
}
"""Every sampler by name, for networks that predict noise or velocity in it."""

_FLOW_EULER = "FlowMatchEulerDiscreteScheduler"
_FLOW = {"prediction_type": "flow_prediction", "use_flow_sigmas": True}

FLOW_SAMPLERS: dict[str, SamplerFacts] = {
    **_scheduled(
        "Euler",
        SamplerFacts("scheduling_flow_match_euler_discrete", _FLOW_EULER, levels="flow", shift="shift"),
        "Karras",
        "Exponential",
        "Beta",
    ),
    "Heun": SamplerFacts(
        "scheduling_flow_match_heun_discrete", "FlowMatchHeunDiscreteScheduler", levels="flow", shift="shift"
    ),
    "DPM++ 2M": SamplerFacts(*_DPM, _FLOW, levels="flow", shift="flow_shift"),
    "UniPC": SamplerFacts(*_UNIPC, _FLOW, levels="flow", shift="flow_shift"),
}
"""Every sampler by name, for networks that predict the flow from picture to noise."""


def is_flow_matching(settings: Mapping[str, Any]) -> bool:
    """Whether these settings of a scheduler are those of flow matching."""
    flow = settings.get("prediction_type") == "flow_prediction" or settings.get("use_flow_sigmas", False)
    return bool(flow) or "FlowMatch" in str(settings.get("_class_name", ""))


@final
class Sampler:
    """One picture's way through its noise levels. It remembers earlier predictions, so it is used once.

    Args:
        settings: the model's scheduler settings.

    Attributes:
        evaluations: how often the network is asked over the whole schedule; more than `steps` for samplers of
            second order.
        first: index of the evaluation that comes first.

    Raises:
        RequestError: there is no sampler of this name, or the model has fewer noise levels than steps.
    """

    def __init__(
        self, name: str, settings: dict[str, Any], steps: int, spacing: Spacing = AS_CONFIGURED
    ) -> None:
        facts = find_sampler(name, FLOW_SAMPLERS if is_flow_matching(settings) else SAMPLERS)
        self._facts = facts
        shifted = _shifted(settings, facts, spacing) if facts.levels == "flow" else settings
        self._scheduler = _made(name, facts, shifted)
        self._scheduler.is_scale_input_called = True  # `scaled_input` is, for every evaluation
        most = self._scheduler.config.num_train_timesteps
        if steps > most:
            raise RequestError(f"this model was trained with {most} noise levels; {steps} steps are too many")
        if facts.scheduler == _FLOW_EULER:
            self._scheduler.set_timesteps(steps, sigmas=list(spacing.levels) or None, mu=spacing.mu)
        elif facts.scheduler == _LCM:
            self._scheduler.set_timesteps(**_consistency_steps(settings, steps, most))
        else:
            self._scheduler.set_timesteps(steps)
        self.steps = steps
        self.evaluations = len(self._scheduler.timesteps)
        self.skip(0)

    def skip(self, steps: int) -> None:
        """Leave out the first steps. Before anything else, and once.

        The first index is given, for times that it would be looked up by are rounded and may be equal.
        """
        self.first = steps * self._scheduler.order
        if self._facts.levels != "alphas":
            self._scheduler.set_begin_index(self.first)

    @property
    def draws(self) -> bool:
        """Whether its steps draw fresh noise."""
        return self._facts.draws

    def start(self, noise: "Tensor") -> "Tensor":
        """The first noisy picture, of unit noise."""
        return noise if self._facts.levels == "flow" else noise * self._scheduler.init_noise_sigma

    def noised(self, x0: "Tensor", noise: "Tensor", index: int) -> "Tensor":
        """A clean picture under unit noise at the level of evaluation `index`, which is the next one."""
        if index == self.evaluations:
            return x0
        if self._facts.levels == "flow":
            a, s = self.level(index)
            return a * x0 + s * noise
        # A table of sigmas knows by the steps taken where it is; cumulative alphas are looked up by time.
        return self._scheduler.add_noise(x0, noise, self._scheduler.timesteps[index][None])

    def time(self, index: int) -> float:
        """The network's own clock at evaluation `index`."""
        return float(self._scheduler.timesteps[index])

    def level(self, index: int) -> tuple[float, float]:
        """(a, s) at evaluation `index`: the network is shown `a*x0 + s*eps`; after the last, the end."""
        if self._facts.levels == "flow":
            share = float(self._scheduler.sigmas[index])
            return 1.0 - share, share
        if self._facts.levels == "sigmas":
            sigma = float(self._scheduler.sigmas[index])
            a = (1 + sigma * sigma) ** -0.5
            return a, sigma * a
        alpha = float(self._alpha(index))
        return alpha**0.5, (1 - alpha) ** 0.5

    def _alpha(self, index: int) -> "Tensor | float":
        """Cumulative alpha of a scheduler that keeps those; DDIM may end at one that is not 1."""
        if index == self.evaluations:
            return getattr(self._scheduler, "final_alpha_cumprod", 1.0)
        return self._scheduler.alphas_cumprod[int(self._scheduler.timesteps[index])]

    def scaled_input(self, x: "Tensor", index: int) -> "Tensor":
        """What the network is shown of x at evaluation `index`."""
        if self._facts.levels == "flow":
            return x
        return self._scheduler.scale_model_input(x, self._scheduler.timesteps[index])

    def step(self, prediction: "Tensor", x: "Tensor", index: int, noise: "Generator | None") -> "Tensor":
        """The next x; `noise` is drawn from only where `draws` is set."""
        moment = self._scheduler.timesteps[index]
        more: dict[str, Any] = {"generator": noise} if self._facts.draws else {}
        if self._facts.scheduler == _LMS[1]:  # no more derivatives than there have been since the first step
            more["order"] = min(_LMS_ORDER, index - self.first + 1)
        return self._scheduler.step(prediction, moment, x, return_dict=False, **more)[0]


def _made(name: str, facts: SamplerFacts, settings: dict[str, Any]) -> Any:
    """The scheduler of a sampler.

    Raises:
        RequestError: a library that it needs is not installed, or it cannot begin in pure noise, as the model
            was trained to.
    """
    try:
        kind = getattr(import_module(f"diffusers.schedulers.{facts.module}"), facts.scheduler)
        if settings.get(_ZERO_SNR) and _ZERO_SNR not in signature(kind.__init__).parameters:
            raise RequestError(
                f"sampler {name} cannot begin in pure noise, as this model was trained to; choose Euler, "
                "DPM++ 2M, DDIM or UniPC"
            )
        return kind.from_config(settings, **facts.settings)
    except ImportError:
        raise RequestError(f"sampler {name} needs scipy: pip install 'negspace[checkpoints]'") from None


def _consistency_steps(settings: Mapping[str, Any], steps: int, most: int) -> dict[str, Any]:
    """What LCM's scheduler is told: steps out of the 50 it was distilled from, or evenly from the end on."""
    if settings.get("timestep_spacing") == "trailing":
        return {"timesteps": [round(most - i * most / steps) - 1 for i in range(steps)]}
    return {"num_inference_steps": steps, "original_inference_steps": max(50, steps)}


def _shifted(settings: dict[str, Any], facts: SamplerFacts, spacing: Spacing) -> dict[str, Any]:
    """The settings of a flow scheduler for one picture: one that cannot shift by size is shifted outright.

    exp(mu) shifts as mu does: s -> exp(mu) s / (1 + (exp(mu) - 1) s).
    """
    if facts.scheduler == _FLOW_EULER:
        return {"shift": settings.get("flow_shift", 1.0), **settings}
    plain = float(settings.get("shift", settings.get("flow_shift", 1.0)))
    linear = settings.get("time_shift_type") == "linear"
    shift = plain if spacing.mu is None else spacing.mu if linear else math.exp(spacing.mu)
    return {"num_train_timesteps": settings.get("num_train_timesteps", 1000), facts.shift: shift}


def find_sampler(name: str, samplers: Mapping[str, SamplerFacts] = SAMPLERS) -> SamplerFacts:
    """What stands behind a sampler's name.

    Raises:
        RequestError: there is no sampler of this name.
    """
    return lookup("sampler", name, samplers, RequestError)
