"""Refusals: what a model cannot be asked for at all, and what a policy keeps from being carried out."""

from collections.abc import Iterator, Sequence

from negspace.avoid.governed import Block
from negspace.avoid.planned import NOT_AT_ALL, PlannedTerm
from negspace.errors import RequestError
from negspace.facts import ModelFacts
from negspace.names import no_such
from negspace.prompt.weights import WEIGHTINGS
from negspace.request import Request


def refuse_impossible(request: Request, facts: ModelFacts) -> None:
    """Stop where the model has nothing of the kind.

    Raises:
        RequestError: it has no such sampler or size, a weighting is not there, or an embedding is not for it.
    """
    if request.sampler is not None and request.sampler not in facts.samplers:
        raise RequestError(no_such("sampler", request.sampler, facts.samplers))
    if request.weighting not in WEIGHTINGS:
        raise RequestError(no_such("weighting", request.weighting, WEIGHTINGS))
    _refuse_embeddings(request, facts)
    if request.start is not None:
        request.start.skipped(facts.steps if request.steps is None else request.steps)
    if not facts.sizes and (request.sizes or request.negative_sizes):
        raise RequestError(f"{facts.name} is told no sizes; leave out sizes and negative_sizes")
    if facts.guidance is None and request.guidance is not None:
        raise RequestError(f"{facts.name} is told no guidance in a number; set its scale instead")
    for name, size in zip(("width", "height"), request.size, strict=True):
        if size is not None and size % facts.multiple:
            raise RequestError(
                f"{name} {size} is not a multiple of {facts.multiple}, as {facts.name} needs; "
                f"{max(round(size / facts.multiple), 1) * facts.multiple} is"
            )


def _refuse_embeddings(request: Request, facts: ModelFacts) -> None:
    """Embeddings that the facts do not tell of, or that were made for another model."""
    known = {one.file: one for one in facts.embeddings}
    widths = tuple(encoder.width for encoder in facts.encoders if encoder.kind == "clip")
    for file in request.embeddings:
        if file not in known:
            raise RequestError(
                f"embedding {file!r} was not read; plan with the model, or with facts that know it"
            )
        made_for = known[file].widths
        if None not in widths and made_for != widths:
            name, own = known[file].name, " and ".join(map(str, widths))
            told = " and ".join(map(str, made_for))
            raise RequestError(
                f"embedding {name!r} has vectors of {told}, but {facts.name} reads vectors of {own}: it was "
                "made for another model"
            )


def untold(terms: Sequence[PlannedTerm], why_not: str | None) -> Iterator[Block]:
    """Locked terms that neither a branch is told nor a check looks for: they cannot be upheld."""
    for term in terms:
        if term.avoid.locked and "@" in term.avoid.source and term.told == NOT_AT_ALL:
            why = f"{term.avoid.term!r} is locked and cannot be told: {why_not}"
            explain = "Give it a check, or use a model that can be told."
            yield Block(term=term.avoid.term, policy=term.avoid.source, why=why, explain=explain)
