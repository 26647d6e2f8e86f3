"""Refusals: why a request is not carried out, with the HTTP status of every dialect."""

from sqlalchemy.exc import InterfaceError, OperationalError

from negspace.errors import (
    EncodingError,
    ModelError,
    NegspaceError,
    PictureError,
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
        retry_after: seconds after which trying again makes sense; None if it does not.
        span: the wrong characters in the text of the request.
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
        super().__init__(message.encode("utf-8", "replace").decode())  # it may quote a lone surrogate
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.span = span


BROKEN = "picture"
"""The code of a job whose pictures all broke."""

_STATUS_AND_CODE: tuple[tuple[type[NegspaceError], int, str], ...] = (
    (PolicyError, 400, "policy"),
    (PromptError, 400, "prompt"),
    (EncodingError, 400, "encoding"),
    (RequestError, 400, "request"),
    (PictureError, 422, BROKEN),
    (ModelError, 500, "model"),
)
_DATABASE_RETRY = 5.0  # seconds
INTERNAL = "something went wrong on the server; its log has the details"


def refusal_of(error: BaseException) -> Refusal:
    """The refusal to send for an error. Only messages of Negspace's own errors are sent."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, OperationalError | InterfaceError):
        return too_busy("the database cannot be reached", _DATABASE_RETRY)
    for kind, status, code in _STATUS_AND_CODE:
        if isinstance(error, kind):
            span = error.span if isinstance(error, PromptError) else None
            return Refusal(str(error) if status < 500 else INTERNAL, status, code, span=span)
    return Refusal(INTERNAL, 500, "internal")


def not_found(what: str) -> Refusal:
    """The refusal for something that does not exist, or not for this tenant."""
    return Refusal(f"there is no {what}", 404, "not-found")


def forbidden(reason: str) -> Refusal:
    """The refusal for something that this tenant may not do."""
    return Refusal(reason, 403, "forbidden")


def too_busy(reason: str, retry_after: float) -> Refusal:
    """The refusal while the server is full."""
    return Refusal(reason, 503, "busy", retry_after=retry_after)


def too_many(reason: str, retry_after: float) -> Refusal:
    """The refusal for a tenant that exceeds its share."""
    return Refusal(reason, 429, "too-many", retry_after=retry_after)
