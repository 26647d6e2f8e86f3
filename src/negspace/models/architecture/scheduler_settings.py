"""What the scheduler settings and the name of a model say about it."""

import re

from negspace.errors import ModelError
from negspace.facts import Prediction
from negspace.models.files.few_steps import KINDS
from negspace.models.files.source import ModelFolder

_FEW_STEPS = re.compile(
    r"(?:^|[^A-Za-z]|[a-z](?=[A-Z])|(?i:xl|sd))"  # the beginning of a word, or "sdxl" before it
    r"(?:(?i:turbo|lightning|lcm|dmd2?|schnell)(?:$|[^A-Za-z]|(?<=[a-z])(?=[A-Z]))"
    r"|(?i:hyper)(?:$|[^A-Za-z]|(?i:sd)))"
)
"""Words in the names of models that may be distilled to a few steps. "hyper" alone: hyperRealism is none."""

_SAMPLERS = {
    "DDIMScheduler": "DDIM",
    "DDPMScheduler": "DDPM",
    "EulerDiscreteScheduler": "Euler",
    "EulerAncestralDiscreteScheduler": "Euler a",
    "HeunDiscreteScheduler": "Heun",
    "UniPCMultistepScheduler": "UniPC",
    "DPMSolverMultistepScheduler": "DPM++ 2M",
    "DPMSolverSinglestepScheduler": "DPM++ 2S",
    "LMSDiscreteScheduler": "LMS",
    "LCMScheduler": "LCM",
    "TCDScheduler": "TCD",
    "PNDMScheduler": "DPM++ 2M",  # what Stable Diffusion 1 names; few run it so
}
_FLOW = ("FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler")


def prediction_of(folder: ModelFolder) -> Prediction:
    """What the network predicts.

    Raises:
        ModelError: it is something that is not known.
    """
    match folder.scheduler.get("prediction_type", "epsilon"):
        case "epsilon" | "v_prediction" as prediction:
            return prediction
        case other:
            known = "what is known is epsilon and v_prediction"
            raise ModelError(f"{str(folder.path)!r} predicts {other!r}; {known}")


def sampler_of(folder: ModelFolder) -> str:
    """The name of the sampler that a model is run with: what is declared of it, or the one it comes with.

    DPM++ 2M stands for a scheduler that is not run here; `unrun_scheduler` names it.
    """
    if (few := folder.few_steps) is not None:
        return KINDS[few.kind].sampler
    return _SAMPLERS.get(str(folder.scheduler.get("_class_name")), "DPM++ 2M")


def unrun_scheduler(folder: ModelFolder) -> str:
    """The class of the scheduler that a folder comes with, where it is none that is run; else ""."""
    name = str(folder.scheduler.get("_class_name"))
    return "" if name in (*_SAMPLERS, *_FLOW) else name


def has_few_steps(name: str) -> bool:
    """Whether the name of a model has a word of those that are distilled to a few steps."""
    return _FEW_STEPS.search(name) is not None
