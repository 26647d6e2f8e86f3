"""Samplers and schedulers under AUTOMATIC1111's names: two lists, where Negspace has one name for both."""

from collections.abc import Iterable

from negspace.errors import no_such
from negspace.facts import ModelFacts
from negspace.serve.refusal import Refusal

KARRAS = "Karras"
AUTOMATIC = "Automatic"
SCHEDULERS = (AUTOMATIC, KARRAS)

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
}


def split_name(name: str) -> tuple[str, str]:
    """(sampler, scheduler) of a sampler's name in Negspace."""
    plain = name.removesuffix(f" {KARRAS}")
    return plain, AUTOMATIC if plain == name else KARRAS


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
        if scheduler.casefold() == name.casefold():
            return scheduler
    raise Refusal(f"Scheduler not found: {no_such('scheduler', name, SCHEDULERS)}", 404, "scheduler")
