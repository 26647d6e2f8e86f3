"""Refuses requests that a model cannot carry out, before anything runs."""

from negspace.errors import PromptError, RequestError, no_such
from negspace.facts import ModelFacts
from negspace.planning.hires import planned_hires
from negspace.planning.model_findings import model_findings
from negspace.prompt import compose, unfold
from negspace.request import WEIGHTINGS, Request


def refuse_unsupported(request: Request, facts: ModelFacts) -> None:
    """Refuses settings that the model does not have.

    Raises:
        RequestError: it has no such sampler or size, there is no such weighting, or an embedding is not for
            it.
    """
    if request.sampler is not None and request.sampler not in facts.samplers:
        raise RequestError(no_such("sampler", request.sampler, facts.samplers))
    if request.weighting not in WEIGHTINGS:
        raise RequestError(no_such("weighting", request.weighting, WEIGHTINGS))
    _refuse_embeddings(request, facts)
    planned_hires(request, facts, facts.steps if request.steps is None else request.steps)
    if request.start is not None:
        request.start.skipped(facts.steps if request.steps is None else request.steps)
    if not facts.sizes and (request.sizes or request.negative_sizes):
        raise RequestError(f"{facts.name} takes no sizes; leave out sizes and negative_sizes")
    if facts.guidance is None and request.guidance is not None:
        raise RequestError(f"{facts.name} takes no guidance number; set its scale instead")
    for name, size in zip(("width", "height"), request.size, strict=True):
        if size is not None and size % facts.multiple:
            raise RequestError(
                f"{name} {size} is not a multiple of {facts.multiple}, as {facts.name} needs; "
                f"{max(round(size / facts.multiple), 1) * facts.multiple} is"
            )


def _refuse_embeddings(request: Request, facts: ModelFacts) -> None:
    """Refuses embeddings that the facts do not list, or that were made for another model."""
    listed = {embedding.file: embedding for embedding in facts.embeddings}
    widths = tuple(encoder.width for encoder in facts.encoders if encoder.kind == "clip")
    for file in request.embeddings:
        if file not in listed:
            raise RequestError(
                f"embedding {file!r} was not read; plan with the model, or with facts that know it"
            )
        embedding = listed[file]
        if None not in widths and embedding.widths != widths:
            own, other = (" and ".join(map(str, each)) for each in (widths, embedding.widths))
            raise RequestError(
                f"embedding {embedding.name!r} has vectors of {other}, but {facts.name} reads vectors of "
                f"{own}: it was made for another model"
            )


def refuse_other_texts(request: Request, facts: ModelFacts) -> None:
    """Refuses texts for the second encoder and those behind it that these cannot read.

    Raises:
        RequestError: there is no such encoder, or a text is composed with AND, whose parts have no partners.
    """
    sides = (
        ("other_prompts", request.prompt, request.other_prompts),
        ("other_avoids", request.avoid if isinstance(request.avoid, str) else "", request.other_avoids),
    )
    for name, first, others in sides:
        texts = [(number, text) for number, text in enumerate(others, start=2) if text is not None]
        count = len(facts.encoders)
        for number, _ in texts:
            if number > count:
                raise RequestError(
                    f"{name}: nothing would read text {number}; {facts.name} has {count} text encoder(s)"
                )
        for text in (first or "", *(text for _, text in texts)) if texts else ():
            if len(compose(text, request.dialect)) > 1:
                raise RequestError(
                    f"{name}: {text[:40]!r} is composed with AND, where all encoders must read the same text"
                )


def refuse_unreadable(request: Request, negative: str | None, steps: int, facts: ModelFacts) -> None:
    """Refuses texts that their dialect or the model cannot read, where the reading is strict.

    Args:
        request: whose texts are read.
        negative: what it avoids, as one text.
        steps: of the sampler.
        facts: of the model.

    Raises:
        PromptError: a text cannot be read; the message names the side, and the place in the text.
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
        loras = facts.loras or () if side == "prompt" else ()  # a LoRA acts on the whole model, on no side
        try:
            scheduled = unfold(text or "", steps, request.dialect, strict=True, carried_loras=loras)
        except PromptError as error:
            raise PromptError(f"{side}: {error}", error.span) from None
        prompts = [prompt for part in scheduled for _, prompt in part.prompts]
        for finding in model_findings(text or "", prompts, facts):
            raise PromptError(f"{side}: {finding}", finding.span or (0, len(text or "")))
