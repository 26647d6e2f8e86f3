"""Texts: what a request says on either side, once its inline forms are read."""

from collections.abc import Iterator, Sequence

from negspace.avoid.terms import terms_of
from negspace.errors import PromptError, RequestError, no_such
from negspace.facts import ModelFacts
from negspace.planning.negative import NOT_AT_ALL, PlannedTerm
from negspace.policy.applicable import Block
from negspace.prompt import compose, parse, split_inline, unfold
from negspace.prompt.reading import WEIGHTINGS
from negspace.request import Avoid, Moved, Request


def told_apart(request: Request, steps: int) -> tuple[Request, tuple[Moved, ...]]:
    """The request with nothing to be avoided left in its prompt, and what was moved.

    What the prompt held follows what `avoid` says, as text where that is a text, as terms where it is terms.

    Args:
        request: as asked.
        steps: of the sampler, which schedules refer to.

    Raises:
        RequestError: there is no such form or dialect, or the two spellings cannot be joined.
    """
    if not request.inline:
        return request, ()
    found = split_inline(request.prompt, request.inline)
    if found.avoid is None:
        return request, ()
    moved = tuple(
        Moved(text=request.prompt[slice(*span)], span=span) for span in found.spans if span[0] < span[1]
    )
    avoid = _joined(request.avoid, found.avoid, request.dialect, steps)
    return request.model_copy(update={"prompt": found.prompt, "avoid": avoid}), moved


def _joined(
    asked: str | Sequence[Avoid] | None, inline: str, dialect: str, steps: int
) -> str | tuple[Avoid, ...]:
    if asked is not None and not isinstance(asked, str):
        return (*asked, *(term.avoid for term in terms_of(inline, dialect, steps)))
    texts = [text for text in (asked or "", inline) if text.strip()]
    for text in texts if len(texts) > 1 else ():
        if len(unfold(text, steps, dialect)) > 1 or parse(text, dialect).structure is not None:
            raise RequestError(
                f"avoid {text[:40]!r} is composed of parts and cannot be joined with what the prompt holds; "
                "write both in one place"
            )
    return ", ".join(texts) if texts else asked or inline


def insist_on(request: Request, negative: str | None, steps: int) -> None:
    """Stops at the first thing in the texts that their dialect cannot read, where the reading is strict.

    Raises:
        PromptError: there is one; the message says on which side, and where in the text.
    """
    if request.reading == "lenient":
        return
    sides = (
        ("prompt", request.prompt),
        ("avoid", negative),
        *(("other prompt", text) for text in request.other_prompts),
        *(("other avoid", text) for text in request.other_avoids),
    )
    for side, text in sides:
        try:
            unfold(text or "", steps, request.dialect, strict=True)
        except PromptError as error:
            raise PromptError(f"{side}: {error}", error.span) from None


def refuse_others(request: Request, facts: ModelFacts) -> None:
    """Stops where the texts for the second encoder and those behind it could not be told.

    Raises:
        RequestError: there is no such encoder, or a text is composed with AND, whose parts have no partners.
    """
    sides = (
        ("other_prompts", request.prompt, request.other_prompts),
        ("other_avoids", request.avoid if isinstance(request.avoid, str) else "", request.other_avoids),
    )
    for name, first, others in sides:
        told = [(number, text) for number, text in enumerate(others, start=2) if text is not None]
        count = len(facts.encoders)
        for number, _ in told:
            if number > count:
                raise RequestError(
                    f"{name}: nothing would read text {number}; {facts.name} has {count} text encoder(s)"
                )
        for text in (first or "", *(text for _, text in told)) if told else ():
            if len(compose(text, request.dialect)) > 1:
                raise RequestError(
                    f"{name}: {text[:40]!r} is composed with AND, where all encoders must read the same text"
                )


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
        if term.avoid.locked and "@" in term.avoid.source and term.channel == NOT_AT_ALL:
            why = f"{term.avoid.term!r} is locked and cannot be told: {why_not}"
            explain = "Give it a check, or use a model that can be told."
            yield Block(term=term.avoid.term, policy=term.avoid.source, why=why, explain=explain)
