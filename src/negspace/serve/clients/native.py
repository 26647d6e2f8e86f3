"""The native API, under /api: requests, plans, pictures, receipts, conversations, models, policies."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict

from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from negspace.request import Request
from negspace.serve.access.tenants import ANYONE
from negspace.serve.conversations import feedback, submit
from negspace.serve.dialect import (
    NATIVE_BODY,
    Caller,
    ClientDialect,
    FromBody,
    Serving,
    finished_unless_gone,
    server_sent_event,
    tenant_of,
)
from negspace.serve.extension_fields import ClientRequest, client_request, thumbs_of
from negspace.serve.jobs.job import Done, Event, Failed, Finished, Job, JobProgress, Preview
from negspace.serve.refusal import Refusal, not_found
from negspace.serve.service import Service

router = APIRouter(prefix="/api", tags=["native"])

Priority = Annotated[int, Query(ge=-100, le=100, description="among your own requests the higher goes first")]
Deadline = Annotated[
    float | None, Query(gt=0, le=86400, description="seconds within which it must be finished")
]
Conversation = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="groups requests")]
Previews = Annotated[int, Query(ge=0, le=100, description="how many previews of each picture are sent")]
ReplyFormat = Annotated[
    Literal["urls", "base64", "events", "ticket"],
    Query(
        description="urls: addresses of the pictures; base64: the pictures inside the reply; events: "
        "server-sent events; ticket: a reply at once, the job is at /api/jobs/{id}"
    ),
]


@router.post("/generate", openapi_extra=NATIVE_BODY)
async def generate(
    request: FromBody,
    service: Serving,
    tenant: Caller,
    http: HttpRequest,
    priority: Priority = 0,
    deadline: Deadline = None,
    conversation: Conversation = None,
    previews: Previews = 0,
    reply: ReplyFormat = "urls",
) -> Response:
    """Make pictures. A client that disconnects cancels them, except with a ticket."""
    client = _client_request(request, service, http)
    job = await submit(service, client, tenant, previews=previews)
    match reply:
        case "ticket":
            return JSONResponse(_status(job), 202, {"Location": f"/api/jobs/{job.id}"})
        case "events":
            return StreamingResponse(_events_then_cancel(job), media_type="text/event-stream")
        case _:
            finished = await finished_unless_gone(job, http)
            return JSONResponse(_finished(finished, inline=reply == "base64"))


@router.post("/plan", openapi_extra=NATIVE_BODY)
async def plan(request: FromBody, service: Serving, tenant: Caller, http: HttpRequest) -> Plan:
    """The plan of a request; nothing is made."""
    client = _client_request(request, service, http)
    made = await service.plan(client.request, tenant)
    return made.model_copy(update={"findings": (*client.findings, *made.findings)})


def _client_request(request: Request, service: Service, http: HttpRequest) -> ClientRequest:
    """The request with the extension fields of query and headers."""
    fields = {name: getattr(request, name) for name in request.model_fields_set}
    return client_request(fields, {}, http.query_params, http.headers, service.catalogue.facts)


@router.get("/jobs")
async def jobs(
    service: Serving,
    tenant: Caller,
    most: Annotated[int, Query(ge=1, le=1000, description="how many")] = 100,
) -> dict[str, Any]:
    """Your requests, the newest first: those that wait or run, are done or have failed."""
    states = await asyncio.to_thread(service.store.states, tenant.name, most)
    return {
        "jobs": [
            {
                "id": state.accepted.id,
                "status": state.state,
                "accepted": state.accepted.moment,
                "ended": state.moment,
                "conversation": state.accepted.conversation,
            }
            for state in states
        ]
    }


@router.get("/jobs/{id}")
async def job(id: str, service: Serving, tenant: Caller) -> JSONResponse:
    """The progress of a job, or its result."""
    try:
        return JSONResponse(_status(service.job(id, tenant)))
    except Refusal:
        return JSONResponse(_finished(await service.archive.finished(id, tenant), inline=False))


@router.delete("/jobs/{id}", status_code=202)
async def delete(id: str, service: Serving, tenant: Caller) -> dict[str, str]:
    """Cancel a job within one step; or, if it has ended, delete it with its pictures and receipt."""
    try:
        service.job(id, tenant).cancel()
    except Refusal:
        await service.archive.delete(id, tenant)
        return {"id": id, "status": "deleted"}
    return {"id": id, "status": "cancelling"}


@router.get("/images/{id}", response_class=Response, responses={200: {"content": {"image/png": {}}}})
async def image(
    id: str, service: Serving, http: HttpRequest, until: int | None = None, signature: str | None = None
) -> Response:
    """A picture, with infotext and receipt in the file. A signed address needs no key."""
    signed = service.signed_links.valid(id, until, signature)
    picture = await service.archive.picture(id, ANYONE if signed else tenant_of(http))
    return Response(picture.png, media_type="image/png")


@router.get("/images/{id}/receipt")
async def receipt(id: str, service: Serving, tenant: Caller) -> Receipt:
    """The receipt of a picture."""
    return (await service.archive.picture(id, tenant)).receipt


@router.get("/models")
async def models(service: Serving, tenant: Caller) -> dict[str, Any]:
    """The models you may use, and what each can do."""
    return {
        "default": service.catalogue.default,
        "models": {name: facts.to_plain() for name, facts in service.catalogue.models_for(tenant).items()},
    }


@router.get("/policies")
async def policies(service: Serving, tenant: Caller) -> dict[str, Any]:
    """The policies that a request may name, and those that apply to all of your requests."""
    return {
        "binding": list(tenant.policies),
        "policies": {
            name: policy.summary() for name, policy in service.catalogue.policies_for(tenant).items()
        },
    }


@router.get("/conversations")
async def conversations(service: Serving, tenant: Caller) -> dict[str, list[str]]:
    """Your conversations, the oldest first."""
    return {"conversations": await asyncio.to_thread(service.store.conversations, tenant.name)}


@router.get("/conversations/{id}")
async def conversation(id: str, service: Serving, tenant: Caller) -> dict[str, Any]:
    """The requests and the feedback of one of your conversations, in order."""
    requests = await asyncio.to_thread(service.store.conversation, tenant.name, id)
    if not requests:
        raise not_found(f"conversation {id!r}")
    records = await asyncio.to_thread(service.store.feedback, tenant.name, id)
    return {
        "id": id,
        "requests": [
            {
                "id": request.accepted.id,
                "status": request.state,
                "request": json.loads(request.accepted.request.to_json()),
            }
            for request in requests
        ],
        "feedback": [
            {
                "request": record.request,
                "said": record.complaint,
                "thumbs": record.thumbs,
                "changes": json.loads(record.changes),
            }
            for record in records
        ],
    }


class Remark(BaseModel):
    """Feedback on a picture.

    Attributes:
        complaint: in plain English: "the fingers look odd, and lose the watermark".
        thumbs: up or down.
        request: id of the request it is about; None is the last of the conversation.
    """

    model_config = ConfigDict(extra="forbid")

    complaint: str = ""
    thumbs: Literal["up", "down"] | None = None
    request: str | None = None


@router.post("/conversations/{id}/feedback")
async def give_feedback(
    id: str, remark: Remark, service: Serving, tenant: Caller, http: HttpRequest
) -> JSONResponse:
    """Record the feedback, and make the picture again on the same seeds with the changed list, or on new ones
    where another picture is asked for. `answer` says in plain words what was changed and what was not."""
    result = await feedback(
        service, tenant, id, complaint=remark.complaint, thumbs=thumbs_of(remark.thumbs), about=remark.request
    )
    if result.job is None:
        return JSONResponse(result.reply.to_plain() | {"next": None})
    finished = await finished_unless_gone(result.job, http)
    return JSONResponse(result.reply.to_plain(finished.receipt) | {"next": _finished(finished, inline=False)})


@router.get("/trials")
async def trials(service: Serving, tenant: Caller) -> dict[str, list[str]]:
    """Your trials, the newest first."""
    return {"trials": await asyncio.to_thread(service.store.trials, tenant.name)}


@router.get("/trials/{id}")
async def trial(id: str, service: Serving, tenant: Caller) -> dict[str, Any]:
    """The findings of one of your trials."""
    findings = await asyncio.to_thread(service.store.trial, id, tenant.name)
    if findings is None:
        raise not_found(f"trial {id!r}")
    return json.loads(findings)


@router.delete("/trials/{id}")
async def delete_trial(id: str, service: Serving, tenant: Caller) -> dict[str, str]:
    """Delete one of your trials, with the pictures it was made from."""
    await service.archive.delete_trial(id, tenant)
    return {"id": id, "status": "deleted"}


def _status(job: Job) -> dict[str, Any]:
    progress = job.progress
    return {
        "id": job.id,
        "status": "running" if progress.total else "waiting",
        "progress": asdict(progress),
        "events": f"/api/jobs/{job.id}/events",
    }


def _finished(finished: Finished, *, inline: bool) -> dict[str, Any]:
    images = [
        {
            "id": picture.id,
            "url": f"/api/images/{picture.id}",
            "seed": picture.receipt.images[0].seed,
            **({"png": b64encode(picture.png).decode()} if inline else {}),
        }
        for picture in finished.pictures
    ]
    return {
        "id": finished.id,
        "status": "done",
        "images": images,
        "receipt": json.loads(finished.receipt.to_json()),
        "seconds": round(finished.seconds, 3),
    }


@router.get("/jobs/{id}/events", response_class=StreamingResponse)
async def events(id: str, service: Serving, tenant: Caller) -> StreamingResponse:
    """The events of a job from now on, as server-sent events. Disconnecting cancels nothing."""
    return StreamingResponse(_events(service.job(id, tenant)), media_type="text/event-stream")


async def _events_then_cancel(job: Job) -> AsyncIterator[str]:
    """The events of a job, which is cancelled when its reader disconnects."""
    try:
        async for text in _events(job):
            yield text
    finally:
        job.cancel()


async def _events(job: Job) -> AsyncIterator[str]:
    yield server_sent_event("accepted", _status(job))
    async for event in job.events():
        yield server_sent_event(*_event(event))


def _event(event: Event) -> tuple[str, dict[str, Any]]:
    """The name and the data of an event."""
    match event:
        case JobProgress():
            return "progress", asdict(event)
        case Preview():
            return "preview", asdict(event) | {"png": b64encode(event.png).decode()}
        case Done(finished):
            return "done", _finished(finished, inline=False)
        case Failed(why):
            return "failed", {"error": {"code": why.code, "message": str(why), "status": why.status}}


DIALECT = ClientDialect("native", router, ("/api",))
