"""Dialect: what one kind of client speaks, and what all dialects share.

A handler takes its service and its caller as arguments and lets errors fly; the dialect's own `told` says
them as its clients expect:

    router = APIRouter(prefix="/x")

    @router.post("/make")
    async def make(asked: Asked, service: Serving, tenant: Caller, http: HttpRequest) -> Reply:
        job = await service.submit(asked.request(), tenant)
        finished = await unless_gone(job, http)

    DIALECT = Dialect("x", router, ("/x",), told)
"""

import asyncio
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from negspace.serve.access.tenants import Tenant
from negspace.serve.jobs.events import Finished
from negspace.serve.jobs.job import Job
from negspace.serve.refusal import Refusal
from negspace.serve.service import Service


def told_plainly(refusal: Refusal) -> Response:
    """A refusal as the native API says it."""
    error = {"code": refusal.code, "message": str(refusal), "span": refusal.span}
    return JSONResponse({"error": error}, refusal.status, retry_headers(refusal))


def retry_headers(refusal: Refusal) -> dict[str, str]:
    """The header that says when to ask again, where that makes sense."""
    return {} if refusal.retry_after is None else {"Retry-After": str(math.ceil(refusal.retry_after))}


@dataclass(frozen=True)
class ClientDialect:
    """What one kind of client speaks.

    Attributes:
        name: of the dialect.
        router: its routes.
        prefixes: paths under which errors are said its way.
        told: says a refusal.
        around: opened before the first request and closed after the last; None is nothing. What it does to
            the application, such as mounting another one, happens while it is opened.
    """

    name: str
    router: APIRouter
    prefixes: tuple[str, ...]
    told: Callable[[Refusal], Response] = told_plainly
    around: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None

    def speaks(self, path: str) -> bool:
        """Whether a path is under one of its prefixes."""
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in self.prefixes)


def serving(request: Request) -> Service:
    """The service behind the application."""
    return request.app.state.service


def caller(request: Request) -> Tenant:
    """On whose behalf a request is made.

    Raises:
        Refusal: nobody knows.
    """
    return request.app.state.service.gate.tenant(request.headers)


Serving = Annotated[Service, Depends(serving)]
Caller = Annotated[Tenant, Depends(caller)]


async def unless_gone(job: Job, request: Request) -> Finished:
    """The finished job, for a client that waits for it. Where the client goes away the job is cancelled.

    Raises:
        Refusal: it failed, or was cancelled.
    """
    waiting = asyncio.ensure_future(job.finished())
    leaving = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((waiting, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            job.cancel()
        return await waiting
    finally:
        for task in (waiting, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _gone(request: Request) -> None:
    """Wait until the client hangs up. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
