"""txt2img and img2img."""

import asyncio
from base64 import b64encode
from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest

from negspace.serve import conversations
from negspace.serve.access.tenants import Tenant
from negspace.serve.clients.a1111 import info
from negspace.serve.clients.a1111.bodies import Img2ImgBody, Txt2ImgBody
from negspace.serve.clients.a1111.callers import CallerJob, CallerState, Mine
from negspace.serve.clients.dialect import Caller, Serving, unless_gone
from negspace.serve.jobs.events import Finished, Preview
from negspace.serve.refusal import Refusal
from negspace.serve.service import Service

router = APIRouter()


@router.post("/txt2img")
async def txt2img(
    asked: Txt2ImgBody, service: Serving, tenant: Caller, desk: Mine, http: HttpRequest
) -> dict[str, Any]:
    """Pictures of a prompt."""
    return await _made(asked, service, tenant, desk, http)


@router.post("/img2img")
async def img2img(
    asked: Img2ImgBody, service: Serving, tenant: Caller, desk: Mine, http: HttpRequest
) -> dict[str, Any]:
    """Pictures of a prompt that start from a picture, redrawn where a mask is white."""
    return await _made(asked, service, tenant, desk, http)


async def _made(
    asked: Txt2ImgBody, service: Service, tenant: Tenant, desk: CallerState, http: HttpRequest
) -> dict[str, Any]:
    chosen = desk.model or service.catalogue.default
    told = await asyncio.to_thread(asked.request, http, service.catalogue, chosen)
    job = await conversations.submit(service, told, tenant)
    sitting = CallerJob(job)
    desk.under_way.append(sitting)
    watching = asyncio.ensure_future(_watched(sitting))
    try:
        finished = await unless_gone(job, http)
    except Refusal as refusal:
        if not sitting.left or refusal.code != "cancelled":
            raise
        return _reply(asked, [], info.of_nothing(asked, sitting.left))
    finally:
        desk.under_way.remove(sitting)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    return _reply(asked, _images(finished) if asked.send_images else [], info.of_finished(asked, finished))


async def _watched(sitting: CallerJob) -> None:
    """Keep the last look at the picture."""
    async for event in sitting.job.events():
        if isinstance(event, Preview):
            sitting.preview = event.png


def _images(finished: Finished) -> list[str]:
    return [b64encode(picture.png).decode() for picture in finished.pictures]


def _reply(asked: Txt2ImgBody, images: list[str], told: str) -> dict[str, Any]:
    echo = asked.model_dump(mode="json") | {"init_images": None, "mask": None}
    return {"images": images, "parameters": echo, "info": told}
