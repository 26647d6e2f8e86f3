"""Moves what a prompt avoids by inline forms (`a | b`, `a ### b`, `a --no b`) out of the prompt."""

from collections.abc import Sequence

from negspace.avoid.terms import terms_of
from negspace.errors import RequestError
from negspace.prompt import parse, split_inline, unfold
from negspace.request import Avoid, Moved, Request


def move_inline(request: Request, steps: int) -> tuple[Request, tuple[Moved, ...]]:
    """The request with nothing to be avoided left in its prompt, and what was moved.

    What the prompt held follows what `avoid` says, as text where that is a text, as terms where it is terms.

    Args:
        request: as asked.
        steps: of the sampler, which schedules refer to.

    Raises:
        RequestError: there is no such form or dialect, or the two texts cannot be joined.
    """
    if not request.inline:
        return request, ()
    split = split_inline(request.prompt, request.inline)
    if split.avoid is None:
        return request, ()
    moved = tuple(
        Moved(text=request.prompt[slice(*span)], span=span) for span in split.spans if span[0] < span[1]
    )
    avoid = _joined(request.avoid, split.avoid, request.dialect, steps)
    return request.model_copy(update={"prompt": split.prompt, "avoid": avoid}), moved


def _joined(
    avoid: str | Sequence[Avoid] | None, inline: str, dialect: str, steps: int
) -> str | tuple[Avoid, ...]:
    if avoid is not None and not isinstance(avoid, str):
        return (*avoid, *(term.avoid for term in terms_of(inline, dialect, steps)))
    texts = [text for text in (avoid or "", inline) if text.strip()]
    for text in texts if len(texts) > 1 else ():
        if len(unfold(text, steps, dialect)) > 1 or parse(text, dialect).structure is not None:
            raise RequestError(
                f"avoid {text[:40]!r} is composed of parts and cannot be joined with what the prompt holds; "
                "write both in one place"
            )
    return ", ".join(texts) if texts else avoid or inline
