"""The plan of a command line, made without weights."""

from dataclasses import replace
from typing import TYPE_CHECKING

from negspace.models.files.source import Source
from negspace.request import Request

if TYPE_CHECKING:
    from negspace.planning.plan import Plan


def plan_of(request: Request, source: Source) -> "Plan":
    """The request compiled for what is to be opened, the settings of its rule checked.

    Raises:
        NegspaceError: the request is impossible for the model, one of its files cannot be read, or the rule
            has no such setting or none of that value.
    """
    from negspace.models.catalogue import read_facts
    from negspace.planning.plan import plan

    facts = read_facts(source)
    if source.has_other_files:
        from negspace.models.loading.opening import check_other_files  # torch, as below

        check_other_files(source)
    if request.embeddings:
        from negspace.encoding import load_embeddings  # torch: a second that other plans do not take

        embeddings = tuple(embedding.facts for embedding in load_embeddings(request.embeddings))
        facts = replace(facts, embeddings=embeddings)
    compiled = plan(request, facts)
    if "(" in compiled.rule:  # only a rule with settings is built: that needs torch, too
        from negspace.guidance import make

        make(compiled.rule, scale=compiled.scale)
    return compiled


def memory_needed(source: Source) -> dict[str, int] | None:
    """Bytes that the weights take on the device, by arithmetic; None where that is not known before loading.

    Raises:
        ModelError: a file of the model is damaged.
    """
    from negspace.models.loading.estimate import WIDTHS, estimate

    memory = estimate(source)
    return None if memory is None else {dtype: memory.bytes(dtype) for dtype in WIDTHS}


def memory_in_words(memory: dict[str, int], dtype: str | None) -> str:
    """The same in words, for one arithmetic or for the two that are chosen by hardware."""
    shown = (dtype,) if dtype is not None else ("bfloat16", "float32")
    return ", ".join(f"{_size_in_words(memory[name])} in {name}" for name in shown)


def _size_in_words(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
