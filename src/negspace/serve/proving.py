"""Whether a negative is necessary, measured on this server's own model: one proof a tenant, two at a time.

The pictures stay in the server's data and are shown to nobody. A tenant's policies limit what it is shown,
so they are not part of the question. Asking the same question again continues with the pictures made before.
"""

import asyncio
import hashlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from negspace.errors import LabError, RequestError
from negspace.lab import Progress, Proof, ProofResult
from negspace.lab.trial import Trial
from negspace.serve.access.tenants import Tenant
from negspace.serve.refusal import Refusal, too_busy
from negspace.serve.service import Service

_Step = tuple[Progress, dict[str, Trial]]

_RETRY_AFTER = 60.0  # seconds
_AT_WORK = threading.BoundedSemaphore(2)
"""Proofs that work at once: each has a copy of the model. Those of further tenants wait for their turn."""
_TENANTS: set[str] = set()
"""Tenants with a proof that works or waits."""


async def prove(
    service: Service,
    tenant: Tenant,
    prompt: str,
    avoid: str,
    model: str,
    settings: Mapping[str, Any],
    cost: float,
    report: Callable[[Progress, Mapping[str, Trial]], Awaitable[None]],
) -> tuple[str, ProofResult]:
    """The result of a proof, with the id under which it is kept as a trial of the tenant. Its pictures count
    in the tenant's quota.

    Args:
        service: whose model and data are used.
        tenant: that asks.
        prompt, avoid: the question, as in a request that was already planned.
        model: its name.
        settings: further arguments of `Proof`; None is left out.
        cost: evaluations of a picture, about.
        report: awaited with the progress, and what is known so far of each term.

    Raises:
        RequestError: the question cannot be answered.
        Refusal: another proof of the tenant is under way, or it has no quota left.
    """
    arguments = {name: value for name, value in settings.items() if value is not None}
    question = json.dumps([tenant.name, prompt, avoid, model, arguments], sort_keys=True)
    id = hashlib.sha256(question.encode()).hexdigest()[:32]
    service.rate_limits.admit(tenant)
    await asyncio.to_thread(service.quotas.refuse_over, tenant, cost, service.under_way(tenant))
    loop, steps, stop = asyncio.get_running_loop(), asyncio.Queue[_Step | None](), threading.Event()

    def put(step: _Step | None) -> None:
        loop.call_soon_threadsafe(steps.put_nowait, step)

    def work() -> ProofResult:
        folder, source = service.archive.trial_folder(id), service.catalogue.source(model)
        try:
            with _turn(stop), Proof(prompt, avoid, source, folder=folder, **arguments) as proof:
                charged = 0
                for step in proof:
                    service.quotas.charge(tenant, int((proof.made - charged) * cost))
                    charged = proof.made
                    if stop.is_set():
                        raise _stopped()
                    if step.left:
                        service.quotas.refuse_over(tenant, cost)
                    put((step, proof.trials))
                result = proof.report().result
            service.store.put_trial(id, tenant.name, result.to_json())
            return result
        except LabError as error:
            raise RequestError(str(error)) from None
        finally:
            _TENANTS.discard(tenant.name)
            put(None)

    if tenant.name in _TENANTS:
        raise too_busy("another proof of yours is under way", _RETRY_AFTER)
    _TENANTS.add(tenant.name)
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        while (step := await _next(steps, working)) is not None:
            await report(*step)
        return id, await working
    finally:
        stop.set()


@contextmanager
def _turn(stop: threading.Event) -> Iterator[None]:
    """Wait until fewer proofs are at work, and count as one of them.

    Raises:
        Refusal: it was stopped before.
    """
    while not _AT_WORK.acquire(timeout=0.2):
        if stop.is_set():
            raise _stopped()
    try:
        yield
    finally:
        _AT_WORK.release()


def _stopped() -> Refusal:
    return Refusal("the proof was stopped; ask again to continue it", 499, "cancelled")


async def _next(steps: asyncio.Queue[_Step | None], working: "asyncio.Future[ProofResult]") -> _Step | None:
    """The next step; None once the work has ended, with or without an error."""
    waiting = asyncio.ensure_future(steps.get())
    await asyncio.wait((waiting, working), return_when=asyncio.FIRST_COMPLETED)
    if waiting.done():
        return waiting.result()
    waiting.cancel()
    return None
