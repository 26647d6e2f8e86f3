"""Models that are distilled to a few steps: what is declared of them, and how each kind is run.

A word in a name declares nothing. What does: the user (`--few-step`), `negspace.json`, the scheduler that a
folder comes with, and the names under which the makers of such models published them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_TRAILING: Final = {"timestep_spacing": "trailing"}


@dataclass(frozen=True)
class FewSteps:
    """How models of one kind of distillation are run, as their makers say.

    Attributes:
        steps: where neither name nor family says.
        sampler: for models that predict noise or velocity.
        settings: of their scheduler.
        source: of these.
    """

    steps: int
    sampler: str
    source: str
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


KINDS: Final[dict[str, FewSteps]] = {
    "turbo": FewSteps(
        4, "Euler a", "Sauer et al., arXiv 2311.17042, and the settings of sdxl-turbo", _TRAILING
    ),
    "lightning": FewSteps(4, "Euler", "Lin et al., arXiv 2402.13929, and its model card", _TRAILING),
    "hyper": FewSteps(8, "DDIM", "Ren et al., arXiv 2404.13686, and its model card", _TRAILING),
    "lcm": FewSteps(4, "LCM", "Luo et al., arXiv 2310.04378"),
    "dmd": FewSteps(4, "LCM", "Yin et al., arXiv 2405.14867, and its model card", _TRAILING),
    "tcd": FewSteps(4, "TCD", "Zheng et al., arXiv 2402.19159"),
}
"""Every kind by the name that declares it."""

_SCHEDULERS: Final = {"LCMScheduler": "lcm", "TCDScheduler": "tcd"}

_PUBLISHED: Final = (
    (r"sdxl-turbo|sd-turbo|sd_xl_turbo_1\.0(_fp16)?|sd_turbo", "turbo"),
    (
        r"stable-diffusion-3\.5-large-turbo|sd3\.5_large_turbo|z-image-turbo|z_image_turbo(_bf16|_fp8\w*)?",
        "turbo",
    ),
    (r"sdxl_lightning_(?P<steps>[248])step(_unet)?", "lightning"),
    (r"qwen-image-lightning-(?P<steps>[48])steps.*", "lightning"),
    (r"hyper-sdxl-(?P<steps>[1248])steps?-.*", "hyper"),
    (r"dmd2_sdxl_4step_unet(_fp16)?", "dmd"),
)
"""Whole names of files and models, in lower case, as their makers published them."""


@dataclass(frozen=True)
class Declared:
    """What is declared of a model.

    Attributes:
        kind: in `KINDS`.
        steps: that its published name says; 0 where it says none.
    """

    kind: str
    steps: int = 0


def published(name: str) -> Declared | None:
    """What the name of a published model says; None for every other name."""
    for pattern, kind in _PUBLISHED:
        if match := re.fullmatch(pattern, name.casefold()):
            return Declared(kind, int(match.groupdict().get("steps") or 0))
    return None


def declared(kind: str | None, name: str, scheduler: str) -> Declared | None:
    """What is declared of a model; None where nothing is.

    Args:
        kind: given by the user or `negspace.json`: a kind, or "none".
        name: of the model.
        scheduler: the class of its scheduler.
    """
    if kind is not None:
        return Declared(kind) if kind in KINDS else None
    if scheduler in _SCHEDULERS:
        return Declared(_SCHEDULERS[scheduler])
    return published(name)
