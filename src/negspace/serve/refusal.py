"""Refusal: why a request is not carried out, with the HTTP status that says so in every dialect."""

from negspace.errors import (
    EncodingError,
    ModelError,
    NegspaceError,
    PolicyError,
    PromptError,
    RequestError,
)


class Refusal(NegspaceError):
    """A request that is not carried out.

    Args:
        message: one line: what is wrong and what to do.
        status: of HTTP.
        code: a short stable name for programs.
        retry_after: seconds after which asking again makes sense; None where it does not.
        span: place of the fault in the text as it was given.
    """

    def __init__(
        self,
        message: str,
        status: int,
        code: str,
        *,
        retry_after: float | None = None,
        span: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(message.encode("utf-8", "replace").decode())  # half a character may be quoted in it
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.span = span


_TOLD: tuple[tuple[type[NegspaceError], int, str], ...] = (
    (PolicyError, 400, "policy"),
    (PromptError, 400, "prompt"),
    (EncodingError, 400, "encoding"),
    (RequestError, 400, "request"),
    (ModelError, 500, "model"),
)
INTERNAL = "something went wrong on the server; it was written down there"


def refusal_of(error: BaseException) -> Refusal:
    """What a client is told of an error. Only errors of Negspace tell what they say."""
    if isinstance(error, Refusal):
        return error
    for kind, status, code in _TOLD:
        if isinstance(error, kind):
            span = error.span if isinstance(error, PromptError) else None
            return Refusal(str(error) if status < 500 else INTERNAL, status, code, span=span)
    return Refusal(INTERNAL, 500, "internal")


def not_found(what: str) -> Refusal:
    """The refusal for something that is not there, or not for this caller."""
    return Refusal(f"there is no {what}", 404, "not-found")


def forbidden(why: str) -> Refusal:
    """The refusal for something that this caller may not do."""
    return Refusal(why, 403, "forbidden")


def too_busy(why: str, retry_after: float) -> Refusal:
    """The refusal while the server has no room."""
    return Refusal(why, 503, "busy", retry_after=retry_after)


def too_many(why: str, retry_after: float) -> Refusal:
    """The refusal of a tenant that asks for more than its share."""
    return Refusal(why, 429, "too-many", retry_after=retry_after)
