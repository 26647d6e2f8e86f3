"""Proving: whether a negative is necessary, measured on this server's own model, one proof at a time.

The pictures stay in the server's data and are shown to nobody; the policies of a caller, which are about what
it is shown, are not part of the question. The same question goes on with what was made before.
"""

import asyncio
import hashlib
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from negspace.errors import LabError, RequestError
from negspace.lab import Findings, Progress, Proof
from negspace.serve.refusal import Refusal, too_busy
from negspace.serve.service import Service

_AGAIN = 60.0  # seconds after which another proof may be asked for
_ONE = threading.Lock()


async def proved(
    service: Service,
    prompt: str,
    avoid: str,
    model: str,
    fields: Mapping[str, Any],
    tell: Callable[[Progress], Awaitable[None]],
) -> Findings:
    """What a proof found.

    Args:
        service: whose model and data are used.
        prompt, avoid: what is asked, as for a request that was planned already.
        model: its name.
        fields: further arguments of `Proof`; None is left out.
        tell: awaited with how far it is.

    Raises:
        RequestError: the question cannot be answered.
        Refusal: another proof is under way.
    """
    said = {name: value for name, value in fields.items() if value is not None}
    question = json.dumps([prompt, avoid, model, said], sort_keys=True)
    folder = service.settings.data / "proofs" / hashlib.sha256(question.encode()).hexdigest()[:16]
    loop, steps, stop = asyncio.get_running_loop(), asyncio.Queue[Progress | None](), threading.Event()

    def hear(step: Progress | None) -> None:
        loop.call_soon_threadsafe(steps.put_nowait, step)

    def work() -> Findings:
        try:
            with Proof(prompt, avoid, service.catalogue.source(model), folder=folder, **said) as proof:
                for step in proof:
                    if stop.is_set():
                        raise Refusal("the proof was left off; asked again, it goes on", 499, "cancelled")
                    hear(step)
                return proof.report().found
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
        return await working
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
