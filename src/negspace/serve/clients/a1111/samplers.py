"""Samplers and schedulers under the names of AUTOMATIC1111: two lists, of which one name of ours is made."""

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


def parted(name: str) -> tuple[str, str]:
    """A sampler of ours as (sampler, scheduler)."""
    plain = name.removesuffix(f" {KARRAS}")
    return plain, AUTOMATIC if plain == name else KARRAS


def plain_names(names: Iterable[str]) -> list[str]:
    """The samplers without their schedulers, each once."""
    return list(dict.fromkeys(parted(name)[0] for name in names))


def sampler_of(sampler: str | None, scheduler: str | None, facts: ModelFacts) -> str | None:
    """Our name of a sampler and a scheduler; None is the model's default.

    "Automatic" is the sampler's own spacing. A name may have its scheduler in it, as old clients write it.

    Raises:
        Refusal: 404, one of them is not there, or they do not go together.
    """
    if not sampler:
        return None
    known = {name.casefold(): name for name in facts.samplers}
    asked = ALIASES.get(sampler.casefold(), sampler)
    if asked.casefold() not in known:
        raise Refusal(f"Sampler not found: {no_such('sampler', sampler, facts.samplers)}", 404, "sampler")
    found = known[asked.casefold()]
    spacing = next((one for one in SCHEDULERS if one.casefold() == (scheduler or AUTOMATIC).casefold()), None)
    if spacing is None:
        raise Refusal(
            f"Scheduler not found: {no_such('scheduler', str(scheduler), SCHEDULERS)}", 404, "scheduler"
        )
    if spacing == AUTOMATIC or parted(found)[1] == spacing:
        return found
    if f"{found} {spacing}" not in facts.samplers:
        raise Refusal(f"Scheduler not found: {found} has no {spacing} spacing", 404, "scheduler")
    return f"{found} {spacing}"
