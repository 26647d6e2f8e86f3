"""Limits: how much may be asked for at once, by anyone and by a tenant."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticSerializationError

from negspace.errors import RequestError
from negspace.planning.plan import Plan
from negspace.request import Request
from negspace.serve.access.tenants import Tenant
from negspace.serve.settings import ServerSettings

MOST_FIELDS = 1000
"""Fields of a body of a dialect that lets unknown ones pass."""


def refuse_many_fields(given: Mapping[Any, Any]) -> None:
    """Stop at a body that nobody would write.

    Raises:
        RequestError: it has too many fields.
    """
    if len(given) > MOST_FIELDS:
        raise RequestError(f"the body has {len(given)} fields; {MOST_FIELDS} may be")


def refuse_beyond(request: Request, settings: ServerSettings, tenant: Tenant) -> None:
    """Stop at what is too much for any model, before anything is done with it.

    Raises:
        RequestError: it is.
    """
    try:
        length = len(request.without_pixels().to_json())
    except PydanticSerializationError:
        raise RequestError("a text holds half a character (a lone surrogate), which is no text") from None
    if length > settings.longest_text:
        raise RequestError(f"the request is {length} characters long; {settings.longest_text} may be")
    most = _least(settings.most_pictures, tenant.most_pictures)
    if request.n > most:
        raise RequestError(f"n {request.n}: at most {most} pictures may be asked for at once")


def refuse_large(planned: Plan, settings: ServerSettings, tenant: Tenant) -> None:
    """Stop at pictures that are too large or take too many steps.

    Raises:
        RequestError: they are.
    """
    most = _least(settings.most_steps, tenant.most_steps)
    if planned.steps > most:
        raise RequestError(f"steps {planned.steps}: at most {most} may be asked for")
    largest = _least(settings.largest, tenant.largest)
    if planned.width * planned.height > largest:
        size = f"{planned.width}x{planned.height}"
        raise RequestError(f"size {size}: at most {largest} pixels may be asked for")


def _least(everyone: int, own: int | None) -> int:
    return everyone if own is None else min(everyone, own)
