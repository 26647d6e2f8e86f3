"""What the scheduler settings and the name of a model say about it."""

from negspace.errors import ModelError
from negspace.facts import Prediction
from negspace.models.files.source import ModelFolder

_FEW_STEPS = ("turbo", "lightning", "lcm", "hyper", "dmd", "schnell")
"""Parts of the names of models that are distilled to a few steps."""

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
    return any(part in name.lower() for part in _FEW_STEPS)
