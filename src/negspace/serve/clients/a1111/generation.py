"""txt2img and img2img; and png-info, which reads what they write into a file."""

import asyncio
from base64 import b64encode
from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from pydantic import BaseModel

from negspace import infotext, png
from negspace.pixels import from_base64, read_texts
from negspace.serve import conversations
from negspace.serve.access.tenants import Tenant
from negspace.serve.clients.a1111 import info
from negspace.serve.clients.a1111.bodies import Img2ImgBody, Txt2ImgBody
from negspace.serve.clients.a1111.callers import CallerJob, CallerState, OwnState
from negspace.serve.dialect import Caller, Serving, finished_unless_gone
from negspace.serve.jobs.events import Preview
from negspace.serve.refusal import Refusal
from negspace.serve.service import Service

router = APIRouter()


@router.post("/txt2img")
async def txt2img(
    body: Txt2ImgBody, service: Serving, tenant: Caller, caller: OwnState, http: HttpRequest
) -> dict[str, Any]:
    """Pictures of a prompt."""
    return await _make(body, service, tenant, caller, http)


@router.post("/img2img")
async def img2img(
    body: Img2ImgBody, service: Serving, tenant: Caller, caller: OwnState, http: HttpRequest
) -> dict[str, Any]:
    """Pictures of a prompt that start from a picture, redrawn where a mask is white."""
    return await _make(body, service, tenant, caller, http)


async def _make(
    body: Txt2ImgBody, service: Service, tenant: Tenant, caller: CallerState, http: HttpRequest
) -> dict[str, Any]:
    default_model = caller.model or service.catalogue.default
    request = await asyncio.to_thread(body.request, http, service.catalogue, default_model)
    job = await conversations.submit(service, request, tenant)
    caller_job = CallerJob(job)
    caller.under_way.append(caller_job)
    watching = asyncio.ensure_future(_keep_previews(caller_job))
    try:
        finished = await finished_unless_gone(job, http)
    except Refusal as refusal:
        if not caller_job.stopped or refusal.code != "cancelled":
            raise
        return _reply(body, [], info.of_stopped(body, caller_job.stopped))
    finally:
        caller.under_way.remove(caller_job)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    images = [b64encode(picture.png).decode() for picture in finished.pictures if body.send_images]
    return _reply(body, images, info.of_finished(body, finished, job.feedback))


async def _keep_previews(caller_job: CallerJob) -> None:
    async for event in caller_job.job.events():
        if isinstance(event, Preview):
            caller_job.preview = event.png


def _reply(body: Txt2ImgBody, images: list[str], info_json: str) -> dict[str, Any]:
    echo = body.model_dump(mode="json") | {"init_images": None, "mask": None}
    return {"images": images, "parameters": echo, "info": info_json}


class PngInfoBody(BaseModel):
    """The body of png-info."""

    image: str


@router.post("/png-info")
async def png_info(body: PngInfoBody) -> dict[str, Any]:
    """The infotext of a picture, its settings one by one, and every text in the file, also the receipt."""
    return await asyncio.to_thread(_png_info, from_base64(body.image))


def _png_info(file: bytes) -> dict[str, Any]:
    items = read_texts(file)
    parameters = items.get(png.PARAMETERS, "")
    read = infotext.read(parameters)
    settings = {"Prompt": read.prompt, "Negative prompt": read.negative, **read.settings}
    return {"info": parameters, "items": items, "parameters": settings if parameters else {}}
