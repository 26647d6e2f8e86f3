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

from negspace.facts import ModelFacts
from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from negspace.request import Request
from negspace.serve.access.tenants import ANYONE
from negspace.serve.clients.dialect import Caller, ClientDialect, Serving, caller, unless_gone
from negspace.serve.clients.extensions import THUMBS
from negspace.serve.conversations import changes_of, feedback
from negspace.serve.jobs.events import Done, Event, Failed, Finished, JobProgress, Preview
from negspace.serve.jobs.job import Job
from negspace.serve.refusal import Refusal, not_found

router = APIRouter(prefix="/api", tags=["native"])

Priority = Annotated[int, Query(ge=-100, le=100, description="among your own requests the higher goes first")]
Deadline = Annotated[
    float | None, Query(gt=0, le=86400, description="seconds within which it must be finished")
]
Conversation = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="groups requests")]
Previews = Annotated[int, Query(ge=0, le=100, description="how often each picture is shown on its way")]
Reply = Annotated[
    Literal["urls", "base64", "events", "ticket"],
    Query(
        description="urls: pictures by address; base64: within the reply; events: as they come about; "
        "ticket: at once, to be asked for at /api/jobs/{id}"
    ),
]


@router.post("/generate")
async def generate(
    request: Request,
    service: Serving,
    tenant: Caller,
    http: HttpRequest,
    priority: Priority = 0,
    deadline: Deadline = None,
    conversation: Conversation = None,
    previews: Previews = 0,
    reply: Reply = "urls",
) -> Response:
    """Make pictures. Who hangs up cancels them, but not with a ticket."""
    job = await service.submit(
        request,
        tenant,
        priority=priority,
        deadline=deadline,
        conversation=conversation,
        previews=previews,
    )
    match reply:
        case "ticket":
            return JSONResponse(_ticket(job), 202, {"Location": f"/api/jobs/{job.id}"})
        case "events":
            return StreamingResponse(_stream(job), media_type="text/event-stream")
        case _:
            finished = await unless_gone(job, http)
            return JSONResponse(_reply(finished, inline=reply == "base64"))


@router.post("/plan")
async def plan(request: Request, service: Serving, tenant: Caller) -> Plan:
    """What would become of a request; nothing is made."""
    return await service.plan(request, tenant)


@router.get("/jobs/{id}")
async def job(id: str, service: Serving, tenant: Caller) -> JSONResponse:
    """How far a job is, or what came of it."""
    try:
        return JSONResponse(_ticket(service.job(id, tenant)))
    except Refusal:
        return JSONResponse(_reply(await service.archive.finished(id, tenant), inline=False))


@router.delete("/jobs/{id}", status_code=202)
async def delete(id: str, service: Serving, tenant: Caller) -> dict[str, str]:
    """Leave off a job within one step; or, once it has ended, forget it with its pictures and receipt."""
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
    opened = service.links.opens(id, until, signature)
    picture = await service.archive.picture(id, ANYONE if opened else caller(http))
    return Response(picture.png, media_type="image/png")


@router.get("/images/{id}/receipt")
async def receipt(id: str, service: Serving, tenant: Caller) -> Receipt:
    """The receipt of a picture."""
    return (await service.archive.picture(id, tenant)).receipt


@router.get("/models")
async def models(service: Serving, tenant: Caller) -> dict[str, Any]:
    """What may be asked for, and what each can be told."""
    known = service.catalogue.models
    allowed = [name for name in known if tenant.models is None or name in tenant.models]
    return {"default": service.catalogue.default, "models": {name: _facts(known[name]) for name in allowed}}


@router.get("/policies")
async def policies(service: Serving, tenant: Caller) -> dict[str, Any]:
    """What requests may ask to be under, and what yours are under anyway."""
    return {
        "binding": list(tenant.policies),
        "policies": {
            name: {
                "version": one.version,
                "explain": one.explain,
                "terms": len(one.avoid),
                "locked": sum(bool(term.locked) for term in one.avoid),
                "fingerprint": one.fingerprint,
            }
            for name, one in service.catalogue.policies.items()
        },
    }


@router.get("/conversations")
async def conversations(service: Serving, tenant: Caller) -> dict[str, list[str]]:
    """Your conversations, the oldest first."""
    return {"conversations": await asyncio.to_thread(service.store.conversations, tenant.name)}


@router.get("/conversations/{id}")
async def conversation(id: str, service: Serving, tenant: Caller) -> dict[str, Any]:
    """What was asked for and said in one of your conversations, in order."""
    several = await asyncio.to_thread(service.store.conversation, tenant.name, id)
    if not several:
        raise not_found(f"conversation {id!r}")
    said = await asyncio.to_thread(service.store.said, tenant.name, id)
    return {
        "id": id,
        "requests": [
            {
                "id": one.accepted.id,
                "status": one.state,
                "request": json.loads(one.accepted.request.to_json()),
            }
            for one in several
        ],
        "feedback": [
            {
                "request": one.request,
                "said": one.said,
                "thumbs": one.thumbs,
                "changes": json.loads(one.changes),
            }
            for one in said
        ],
    }


class Remark(BaseModel):
    """What is said about a picture.

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
async def say(id: str, remark: Remark, service: Serving, tenant: Caller, http: HttpRequest) -> JSONResponse:
    """Keep what is said, and make the picture again on the same seeds with the changed list."""
    thumbs = None if remark.thumbs is None else THUMBS[remark.thumbs]
    came = await feedback(
        service, tenant, id, complaint=remark.complaint, thumbs=thumbs, about=remark.request
    )
    told: dict[str, Any] = {"about": came.about, "changes": changes_of(came.changes), "next": None}
    if came.job is not None:
        told["next"] = _reply(await unless_gone(came.job, http), inline=False)
    return JSONResponse(told)


@router.get("/trials")
async def trials(service: Serving, tenant: Caller) -> dict[str, list[str]]:
    """What was proved for you, the newest first."""
    return {"trials": await asyncio.to_thread(service.store.trials, tenant.name)}


@router.get("/trials/{id}")
async def trial(id: str, service: Serving, tenant: Caller) -> dict[str, Any]:
    """What a proof of yours found."""
    found = await asyncio.to_thread(service.store.trial, id, tenant.name)
    if found is None:
        raise not_found(f"trial {id!r}")
    return json.loads(found)


@router.delete("/trials/{id}")
async def delete_trial(id: str, service: Serving, tenant: Caller) -> dict[str, str]:
    """Forget a trial of yours, with the pictures it was made of."""
    await service.archive.forget_trial(id, tenant)
    return {"id": id, "status": "deleted"}


def _facts(facts: ModelFacts) -> dict[str, Any]:
    plain = asdict(facts)
    for encoder in plain["encoders"]:
        encoder["words"] = None if encoder["words"] is None else sorted(encoder["words"])
    return plain


def _ticket(job: Job) -> dict[str, Any]:
    progress = job.progress
    return {
        "id": job.id,
        "status": "running" if progress.total else "waiting",
        "progress": asdict(progress),
        "events": f"/api/jobs/{job.id}/events",
    }


def _reply(finished: Finished, *, inline: bool) -> dict[str, Any]:
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
    """What happens to a job from now on, as server-sent events. Who hangs up cancels nothing."""
    return StreamingResponse(_told(service.job(id, tenant)), media_type="text/event-stream")


async def _stream(job: Job) -> AsyncIterator[str]:
    """The events of a job that ends with its reader."""
    try:
        async for text in _told(job):
            yield text
    finally:
        job.cancel()


async def _told(job: Job) -> AsyncIterator[str]:
    yield _event("accepted", _ticket(job))
    async for event in job.events():
        yield _event(*_named(event))


def _named(event: Event) -> tuple[str, dict[str, Any]]:
    match event:
        case JobProgress():
            return "progress", asdict(event)
        case Preview():
            return "preview", asdict(event) | {"png": b64encode(event.png).decode()}
        case Done(finished):
            return "done", _reply(finished, inline=False)
        case Failed(why):
            return "failed", {"error": {"code": why.code, "message": str(why), "status": why.status}}


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


DIALECT = ClientDialect("native", router, ("/api",))
