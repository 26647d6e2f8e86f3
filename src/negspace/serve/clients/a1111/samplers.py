"""Samplers and schedulers under AUTOMATIC1111's names: two lists, where Negspace has one name for both."""

from collections.abc import Iterable

from negspace.errors import no_such
from negspace.facts import ModelFacts
from negspace.models.samplers import SCHEDULES
from negspace.serve.refusal import Refusal

AUTOMATIC = "Automatic"
SCHEDULERS = (AUTOMATIC, *SCHEDULES)

ALIASES = {
    "k_euler": "Euler",
    "k_euler_a": "Euler a",
    "k_euler_ancestral": "Euler a",
    "k_heun": "Heun",
    "k_dpmpp_2m": "DPM++ 2M",
    "k_dpmpp_2m_ka": "DPM++ 2M Karras",
    "k_dpmpp_2m_sde": "DPM++ 2M SDE",
    "k_dpmpp_2m_sde_ka": "DPM++ 2M SDE Karras",
    "ddim": "DDIM",
    "unipc": "UniPC",
    "k_lms": "LMS",
    "k_dpmpp_sde": "DPM++ SDE",
    "k_dpmpp_sde_ka": "DPM++ SDE Karras",
    "euler_ancestral": "Euler a",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_sde": "DPM++ SDE",
    "uni_pc": "UniPC",
}
"""What clients of AUTOMATIC1111, and after them those of ComfyUI, call samplers."""


def split_name(name: str) -> tuple[str, str]:
    """(sampler, scheduler) of a sampler's name in Negspace."""
    for schedule in SCHEDULES:
        if name.endswith(f" {schedule}"):
            return name.removesuffix(f" {schedule}"), schedule
    return name, AUTOMATIC


def plain_names(names: Iterable[str]) -> list[str]:
    """The samplers without their schedulers, each once."""
    return list(dict.fromkeys(split_name(name)[0] for name in names))


def sampler_of(sampler: str | None, scheduler: str | None, facts: ModelFacts) -> str | None:
    """Negspace's name of a sampler and a scheduler; None is the model's default.

    "Automatic" is the sampler's own spacing. A sampler's name may include its scheduler, as old clients
    write it.

    Raises:
        Refusal: 404, one of them does not exist, or they do not go together.
    """
    if not sampler:
        return None
    by_folded = {name.casefold(): name for name in facts.samplers}
    name = by_folded.get(ALIASES.get(sampler.casefold(), sampler).casefold())
    if name is None:
        raise Refusal(f"Sampler not found: {no_such('sampler', sampler, facts.samplers)}", 404, "sampler")
    spacing = _scheduler(scheduler or AUTOMATIC)
    if spacing in (AUTOMATIC, split_name(name)[1]):
        return name
    if f"{name} {spacing}" not in facts.samplers:
        raise Refusal(f"Scheduler not found: {name} has no {spacing} spacing", 404, "scheduler")
    return f"{name} {spacing}"


def _scheduler(name: str) -> str:
    for scheduler in SCHEDULERS:
        if scheduler.casefold() == name.casefold().replace("_", " "):
            return scheduler
    raise Refusal(f"Scheduler not found: {no_such('scheduler', name, SCHEDULERS)}", 404, "scheduler")
