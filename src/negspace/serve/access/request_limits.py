"""Limits on the size of a request, on requests a minute and on evaluations a day."""

import threading
import time
from collections.abc import Mapping
from typing import Any, final

from pydantic_core import PydanticSerializationError

from negspace.errors import RequestError
from negspace.planning.plan import Plan
from negspace.request import Request
from negspace.serve.access.tenants import Tenant
from negspace.serve.refusal import forbidden, too_many
from negspace.serve.settings import ServerSettings
from negspace.store import Store
from negspace.store.clock import now
from negspace.store.store import DAY

MOST_FIELDS = 1000
"""Fields of a body in a dialect that ignores unknown ones."""


def refuse_many_fields(body: Mapping[Any, Any]) -> None:
    """Stop at a body with an absurd number of fields.

    Raises:
        RequestError: it has too many fields.
    """
    if len(body) > MOST_FIELDS:
        raise RequestError(f"the body has {len(body)} fields; at most {MOST_FIELDS} are allowed")


def refuse_beyond(request: Request, settings: ServerSettings, tenant: Tenant) -> None:
    """Stop at a request that is too large for any model, before anything is done with it.

    Raises:
        RequestError: it is too large.
    """
    try:
        length = len(request.without_pixels().to_json())
    except PydanticSerializationError:
        raise RequestError("a text contains half a character (a lone surrogate)") from None
    if length > settings.longest_text:
        raise RequestError(
            f"the request is {length} characters long; at most {settings.longest_text} are allowed"
        )
    most = _smaller(settings.most_pictures, tenant.most_pictures)
    if request.n > most:
        raise RequestError(f"n {request.n}: at most {most} pictures may be asked for at once")


def refuse_large(planned: Plan, settings: ServerSettings, tenant: Tenant) -> None:
    """Stop at pictures that are too large or take too many steps.

    Raises:
        RequestError: they are.
    """
    most = _smaller(settings.most_steps, tenant.most_steps)
    for steps in (planned.steps, 0 if planned.hires is None else planned.hires.steps or 0):
        if steps > most:
            raise RequestError(f"steps {steps}: at most {most} may be asked for")
    largest = _smaller(settings.largest, tenant.largest)
    width, height = planned.last_size
    if width * height > largest:
        raise RequestError(f"size {width}x{height}: at most {largest} pixels may be asked for")


def refuse_model(model: str | None, tenant: Tenant) -> None:
    """Stop at a model that is not for a tenant.

    Raises:
        Refusal: it is not.
    """
    if not tenant.may_use(model):
        raise forbidden(f"{tenant.name} may not ask for model {model!r}")


def _smaller(server: int, tenant: int | None) -> int:
    return server if tenant is None else min(server, tenant)


@final
class TokenBucket:
    """Holds a minute's worth of requests and is refilled steadily, with `rate` requests a minute."""

    def __init__(self, rate: float) -> None:
        self._rate = rate / 60.0
        self._most = max(rate, 1.0)
        self._left = self._most
        self._refilled: float | None = None

    def take(self, now: float) -> float:
        """Take one request out: 0, or the seconds until there is one. `now`, in seconds, never falls."""
        passed = 0.0 if self._refilled is None else max(0.0, now - self._refilled)
        self._refilled = now
        self._left = min(self._most, self._left + passed * self._rate)
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) / self._rate


@final
class RateLimits:
    """Counts each tenant's requests a minute. May be used by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, float], TokenBucket] = {}

    def admit(self, tenant: Tenant) -> None:
        """Count a request for pictures.

        Raises:
            Refusal: the tenant sent too many in the last minute.
        """
        if tenant.rate is None:
            return
        with self._lock:
            bucket = self._buckets.setdefault((tenant.name, tenant.rate), TokenBucket(tenant.rate))
            wait = bucket.take(time.monotonic())
        if wait:
            raise too_many(f"more than {tenant.rate:g} requests a minute", wait)


@final
class Quotas:
    """Counts each tenant's evaluations a day. Reads and writes the store, so no event loop may call it.

    Args:
        store: keeps the counts.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def refuse_over(self, tenant: Tenant, more: float, under_way: float = 0.0) -> None:
        """Stop a request that would exceed the tenant's quota of today.

        Args:
            tenant: that sends it.
            more: evaluations that it takes, about.
            under_way: evaluations of the tenant's requests that were accepted and have not ended.

        Raises:
            Refusal: it would.
        """
        if tenant.quota is None:
            return
        moment = now()
        spent = self._store.spent(tenant.name, moment) + int(under_way)
        if spent + more > tenant.quota:
            why = f"{spent} of {tenant.quota} evaluations a day are spent, and this takes about {more:.0f}"
            raise too_many(why, DAY - moment % DAY)

    def charge(self, tenant: Tenant, evaluations: int) -> None:
        """Count evaluations that were made for a tenant outside the queue."""
        self._store.spend(tenant.name, evaluations, now())
