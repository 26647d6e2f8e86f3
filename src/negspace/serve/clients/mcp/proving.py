"""Proving: whether a negative is necessary, measured on this server's own model, one proof at a time.

The pictures stay in the server's data and are shown to nobody; the policies of a caller, which are about what
it is shown, are not part of the question. The same question goes on with what was made before.
"""

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from negspace.errors import LabError, RequestError
from negspace.lab import Findings, Progress, Proof
from negspace.serve.access.tenants import Tenant
from negspace.serve.refusal import Refusal, too_busy
from negspace.serve.service import Service

_AGAIN = 60.0  # seconds after which another proof may be asked for
_ONE = threading.Lock()


async def proved(
    service: Service,
    tenant: Tenant,
    prompt: str,
    avoid: str,
    model: str,
    fields: Mapping[str, Any],
    cost: float,
    tell: Callable[[Progress], Awaitable[None]],
) -> tuple[str, Findings]:
    """What a proof found, behind the id it is kept by. It is kept as a trial of the tenant, and its pictures
    count in the tenant's quota.

    Args:
        service: whose model and data are used.
        tenant: who asks.
        prompt, avoid: what is asked, as for a request that was planned already.
        model: its name.
        fields: further arguments of `Proof`; None is left out.
        cost: evaluations that a picture takes, about.
        tell: awaited with how far it is.

    Raises:
        RequestError: the question cannot be answered.
        Refusal: another proof is under way, or the tenant has used up what it may have.
    """
    said = {name: value for name, value in fields.items() if value is not None}
    question = json.dumps([tenant.name, prompt, avoid, model, said], sort_keys=True)
    id = hashlib.sha256(question.encode()).hexdigest()[:32]
    folder = service.archive.proof(id)
    service.gate.admit(tenant, time.monotonic())
    await asyncio.to_thread(service.quotas.refuse_over, tenant, cost, service.under_way(tenant))
    loop, steps, stop = asyncio.get_running_loop(), asyncio.Queue[Progress | None](), threading.Event()

    def hear(step: Progress | None) -> None:
        loop.call_soon_threadsafe(steps.put_nowait, step)

    def work() -> Findings:
        try:
            with Proof(prompt, avoid, service.catalogue.source(model), folder=folder, **said) as proof:
                charged = 0
                for step in proof:
                    service.quotas.charge(tenant, int((proof.made - charged) * cost))
                    charged = proof.made
                    if stop.is_set():
                        raise Refusal("the proof was left off; asked again, it goes on", 499, "cancelled")
                    if step.left:
                        service.quotas.refuse_over(tenant, cost)
                    hear(step)
                found = proof.report().found
            service.store.put_trial(id, tenant.name, found.to_json())
            return found
        except LabError as error:
            raise RequestError(str(error)) from None
        finally:
            _ONE.release()
            hear(None)

    if not _ONE.acquire(blocking=False):
        raise too_busy("another proof is under way", _AGAIN)
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        while (step := await _next(steps, working)) is not None:
            await tell(step)
        return id, await working
    finally:
        stop.set()


async def _next(
    steps: asyncio.Queue[Progress | None], working: "asyncio.Future[Findings]"
) -> Progress | None:
    """The next step; None once the work has ended, however it did."""
    waiting = asyncio.ensure_future(steps.get())
    await asyncio.wait((waiting, working), return_when=asyncio.FIRST_COMPLETED)
    if waiting.done():
        return waiting.result()
    waiting.cancel()
    return None
