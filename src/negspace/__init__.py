"""Negspace: negative prompting that can be trusted. It steers, governs, and proves what was avoided."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from negspace import avoid, feedback, guidance, lab, policy, prompt, strength
    from negspace.errors import (
        EncodingError,
        LabError,
        ModelError,
        NegspaceError,
        OutputError,
        PolicyError,
        PromptError,
        RequestError,
    )
    from negspace.facts import EncoderFacts, ModelFacts
    from negspace.findings import Finding
    from negspace.generate import Model, Result, load
    from negspace.hires import Hires
    from negspace.pixels import Pixels, read_mask, read_picture
    from negspace.planning.plan import Plan, plan
    from negspace.receipt import Receipt
    from negspace.request import Avoid, Request, Start

__version__ = "0.1.0"

__all__ = [
    "Avoid",
    "EncoderFacts",
    "EncodingError",
    "Finding",
    "Hires",
    "LabError",
    "Model",
    "ModelError",
    "ModelFacts",
    "NegspaceError",
    "OutputError",
    "Pixels",
    "Plan",
    "PolicyError",
    "PromptError",
    "Receipt",
    "Request",
    "RequestError",
    "Result",
    "Start",
    "avoid",
    "feedback",
    "guidance",
    "lab",
    "load",
    "plan",
    "policy",
    "prompt",
    "read_mask",
    "read_picture",
    "strength",
]

# Where each public name lives. Looked up on first use, so that `import negspace` needs no torch.
_HOMES = {
    **dict.fromkeys([name for name in __all__ if name.endswith("Error")], "errors"),
    **dict.fromkeys(("EncoderFacts", "ModelFacts"), "facts"),
    **dict.fromkeys(("Model", "Result", "load"), "generate"),
    **dict.fromkeys(("Pixels", "read_mask", "read_picture"), "pixels"),
    **dict.fromkeys(("Plan", "plan"), "planning.plan"),
    **dict.fromkeys(("Avoid", "Request", "Start"), "request"),
    "Finding": "findings",
    "Hires": "hires",
    "Receipt": "receipt",
}
_MODULES = ("avoid", "feedback", "guidance", "lab", "policy", "prompt", "strength")


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"negspace.{name}")
    if name in _HOMES:
        return getattr(import_module(f"negspace.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'negspace' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
