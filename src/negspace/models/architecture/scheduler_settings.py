"""What the scheduler settings and the name of a model say about it."""

import re

from negspace.errors import ModelError
from negspace.facts import Prediction
from negspace.models.files.source import ModelFolder

_FEW_STEPS = re.compile(
    r"(?:^|[^A-Za-z]|[a-z](?=[A-Z])|(?i:xl|sd))"  # the beginning of a word, or "sdxl" before it
    r"(?:(?i:turbo|lightning|lcm|dmd2?|schnell)(?:$|[^A-Za-z]|(?<=[a-z])(?=[A-Z]))"
    r"|(?i:hyper)(?:$|[^A-Za-z]|(?i:sd)))"
)
"""Words in the names of models that are distilled to a few steps. "hyper" alone: hyperRealism is none."""

_SAMPLERS = {
    "DDIMScheduler": "DDIM",
    "DDPMScheduler": "DDPM",
    "EulerDiscreteScheduler": "Euler",
    "EulerAncestralDiscreteScheduler": "Euler a",
    "HeunDiscreteScheduler": "Heun",
    "UniPCMultistepScheduler": "UniPC",
}


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
    """The name of the sampler that a folder comes with; DPM++ 2M where its scheduler has none."""
    return _SAMPLERS.get(str(folder.scheduler.get("_class_name")), "DPM++ 2M")


def has_few_steps(name: str) -> bool:
    """Whether a model is, by its name, distilled to a few steps."""
    return _FEW_STEPS.search(name) is not None
