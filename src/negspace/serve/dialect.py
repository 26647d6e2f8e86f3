"""What a server dialect is, and what all dialects share.

A dialect is one module or folder in `negspace.serve.clients` that defines `DIALECT`. A handler takes the
service and its tenant as arguments and lets errors pass; the dialect's `error_response` writes them in the
form that its clients expect:

    router = APIRouter(prefix="/x")

    @router.post("/make")
    async def make(body: Body, service: Serving, tenant: Caller, http: HttpRequest) -> Response:
        job = await service.submit(body.request(), tenant)
        finished = await finished_unless_gone(job, http)

    DIALECT = ClientDialect("x", router, ("/x",), error_response)
"""

import asyncio
import json
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from negspace.receipt import Receipt
from negspace.request import Request as NativeRequest
from negspace.serve.access.tenants import Tenant
from negspace.serve.jobs.job import Finished, Job, JobPicture
from negspace.serve.refusal import Refusal
from negspace.serve.service import Service


def native_error(refusal: Refusal) -> Response:
    """A refusal in the form of the native API."""
    error = {"code": refusal.code, "message": str(refusal), "span": refusal.span}
    return JSONResponse({"error": error}, refusal.status, refusal_headers(refusal))


def refusal_headers(refusal: Refusal) -> dict[str, str]:
    """Retry-After, if trying again makes sense; WWW-Authenticate, where a key is missing (RFC 9110)."""
    headers: dict[str, str] = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(refusal.retry_after))
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="negspace", Basic realm="negspace"'
    return headers


@dataclass(frozen=True)
class ClientDialect:
    """The HTTP API of one kind of client.

    Attributes:
        name: of the dialect.
        router: its routes.
        prefixes: paths under which errors are written in its form.
        error_response: writes a refusal.
        open_paths: those that need no key.
        lifespan: entered before the first request and left after the last; None is nothing. It may change
            the application, for example mount another one.
    """

    name: str
    router: APIRouter
    prefixes: tuple[str, ...]
    error_response: Callable[[Refusal], Response] = native_error
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None
    open_paths: frozenset[str] = frozenset()

    def serves(self, path: str) -> bool:
        """Whether a path is under one of its prefixes."""
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in self.prefixes)


def service_of(request: Request) -> Service:
    """The service behind the application."""
    return request.app.state.service


def tenant_of(request: Request) -> Tenant:
    """The tenant that sends a request.

    Raises:
        Refusal: there is no valid key.
    """
    tenant = getattr(request.state, "tenant", None)
    return tenant or service_of(request).authentication.tenant(request.headers)


async def native_request(request: Request) -> NativeRequest:
    """The native request in a body. It is read beside the event loop, for it may hold a picture."""
    return await service_of(request).read(NativeRequest.from_json, await request.body())


def request_schemas() -> dict[str, Any]:
    """The JSON schema of a native request, and of what it is made of, for the OpenAPI document."""
    schema = NativeRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    return schema.pop("$defs", {}) | {NativeRequest.__name__: schema}


NATIVE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{NativeRequest.__name__}"}}
        },
    }
}
"""For `openapi_extra` of a route that takes a native request."""

FromBody = Annotated[NativeRequest, Depends(native_request)]
Serving = Annotated[Service, Depends(service_of)]
Caller = Annotated[Tenant, Depends(tenant_of)]


async def finished_unless_gone(job: Job, request: Request) -> Finished:
    """The finished job, for a client that waits for it. If the client disconnects, the job is cancelled.

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


def delivered(finished: Finished) -> Finished:
    """The finished job, for dialects that have no words for a reply without pictures.

    Raises:
        Refusal: a check withheld every picture.
    """
    if finished.pictures or not finished.receipt.withheld:
        return finished
    reasons = "; ".join(f"seed {each.seed}: {', '.join(each.flags)}" for each in finished.receipt.withheld)
    text = f"every picture was withheld by a check ({reasons}); the receipt is at /api/jobs/{finished.id}"
    raise Refusal(text, 422, "content_policy_violation")


async def _gone(request: Request) -> None:
    """Wait until the client disconnects. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def acted(receipt: Receipt) -> str:
    """Whether the negative could change the pictures, and if not, why."""
    return "yes" if receipt.negative_acted else f"no: {receipt.why_not}"


def base_url(service: Service, request: Request) -> str:
    """The address of the server for its clients, with a slash at the end."""
    public = service.settings.public_url
    return str(request.base_url) if public is None else f"{public.rstrip('/')}/"


def receipt_path(picture: JobPicture) -> str:
    """The path of a picture's receipt on the server."""
    return f"/api/images/{picture.id}/receipt"


def server_sent_event(name: str, data: dict[str, Any]) -> str:
    """One server-sent event with JSON as its data."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
