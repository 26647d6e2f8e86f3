"""The LoRA files that a plan adds to its model: those of the request, then those that its prompt names."""

from collections.abc import Sequence
from difflib import get_close_matches

from negspace.errors import RequestError
from negspace.facts import ModelFacts
from negspace.planning.negative import prompts_of
from negspace.request import LoraUse, Request

_FEW = 20
"""How many names are listed where one is not known."""


def planned_loras(request: Request, facts: ModelFacts, steps: int) -> tuple[LoraUse, ...]:
    """What is added to the model, in order; without a folder nothing, and the text's findings tell of it.

    Args:
        request: as it is carried out.
        facts: of the model, which say what may be added.
        steps: of the sampler.

    Raises:
        RequestError: there is no file of a name, or no folder of them and the request lists some itself.
    """
    if facts.loras is None:
        if request.loras:
            name = request.loras[0].name
            raise RequestError(f"LoRA {name!r}: no folder of LoRA files is given; give lora_dir (--lora-dir)")
        return ()
    uses = (*request.loras, *_in_prompt(request, steps))
    for use in uses:
        if use.name not in facts.loras:
            raise RequestError(_unknown(use.name, facts.loras))
    return uses


def _in_prompt(request: Request, steps: int) -> tuple[LoraUse, ...]:
    prompts = prompts_of(request.prompt, request.dialect, steps)
    uses = (
        LoraUse(name=lora.name, strength=lora.weight, text_strength=lora.text_weight, span=lora.span)
        for prompt in prompts
        for lora in prompt.loras
    )
    return tuple(dict.fromkeys(uses))


def _unknown(name: str, known: Sequence[str]) -> str:
    """The message that there is no such file, with similar names, or all where they are few."""
    by_key = {other.casefold(): other for other in known}
    similar = [repr(by_key[key]) for key in get_close_matches(name.casefold(), by_key, n=3)]
    names = ", ".join(known) if len(known) <= _FEW else f"{len(known)} files"
    suggestion = f"did you mean {' or '.join(similar)}?" if similar else f"there are: {names or 'none'}"
    return f"no LoRA is called {name!r}; {suggestion}"
