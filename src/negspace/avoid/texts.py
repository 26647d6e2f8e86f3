"""Texts: what a request says on either side, once its inline forms are read."""

from collections.abc import Sequence

from negspace.avoid.terms import terms_of
from negspace.errors import PromptError, RequestError
from negspace.facts import ModelFacts
from negspace.prompt import compose, parse, split_inline, unfold
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
