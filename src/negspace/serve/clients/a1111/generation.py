"""txt2img and img2img; and png-info, which reads what they write into a file."""

import asyncio
import json
from base64 import b64encode
from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from pydantic import BaseModel

from negspace import infotext, png
from negspace.pixels import from_base64, read_texts
from negspace.receipt import Receipt
from negspace.serve import conversations
from negspace.serve.access.tenants import Tenant
from negspace.serve.clients.a1111.bodies import Img2ImgBody, Txt2ImgBody
from negspace.serve.clients.a1111.progress import CallerJob, CallerState, OwnState, timestamp
from negspace.serve.dialect import Caller, Serving, acted, delivered, finished_unless_gone, receipt_path
from negspace.serve.feedback_reply import FeedbackReply
from negspace.serve.jobs.job import Finished, Preview
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
    request = await service.read(body.request, http, service.catalogue, default_model)
    job = await conversations.submit(service, request, tenant)
    caller_job = CallerJob(job)
    caller.under_way.append(caller_job)
    watching = asyncio.ensure_future(_keep_previews(caller_job))
    try:
        finished = delivered(await finished_unless_gone(job, http))
    except Refusal as refusal:
        if not caller_job.stopped or refusal.code != "cancelled":
            raise
        return _reply(body, [], _info_of_stopped(body, caller_job.stopped))
    finally:
        caller.under_way.remove(caller_job)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    images = [b64encode(picture.png).decode() for picture in finished.pictures if body.send_images]
    return _reply(body, images, _info(body, finished, job.feedback))


async def _keep_previews(caller_job: CallerJob) -> None:
    async for event in caller_job.job.events():
        if isinstance(event, Preview):
            caller_job.preview = event.png


def _reply(body: Txt2ImgBody, images: list[str], info_json: str) -> dict[str, Any]:
    echo = body.model_dump(mode="json") | {"init_images": None, "mask": None}
    return {"images": images, "parameters": echo, "info": info_json}


def _info(body: Txt2ImgBody, finished: Finished, feedback: FeedbackReply | None = None) -> str:
    """AUTOMATIC1111's description of its pictures, JSON as text, from the receipt. Its negative prompt is the
    one the model was given."""
    receipt = finished.receipt
    seeds = [image.seed for image in receipt.images]
    negative, count = receipt.negative.text or "", len(seeds)
    start, hires = receipt.request.start, receipt.hires
    drawn_on = hires if start is None else start
    info: dict[str, Any] = {
        "prompt": receipt.positive.text,
        "all_prompts": [receipt.positive.text] * count,
        "negative_prompt": negative,
        "all_negative_prompts": [negative] * count,
        "seed": seeds[0],
        "all_seeds": seeds,
        "subseed": seeds[0],
        "all_subseeds": seeds,
        "subseed_strength": 0,
        "width": receipt.width,
        "height": receipt.height,
        "sampler_name": receipt.sampler,
        "cfg_scale": receipt.scale,
        "steps": receipt.steps,
        "batch_size": count,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": receipt.model.name,
        "sd_model_hash": receipt.model.fingerprint[:10],
        "sd_vae_name": None,
        "sd_vae_hash": None,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": None if drawn_on is None else drawn_on.strength,
        "extra_generation_params": _extra(body, finished) | _answer(feedback, receipt),
        "index_of_first_image": 0,
        "infotexts": [infotext.write(infotext.from_receipt(receipt, index)) for index in range(count)],
        "styles": list(receipt.request.policies),
        "job_timestamp": timestamp(),
        "clip_skip": 1,
        "is_using_inpainting_conditioning": False,
        "version": f"negspace {receipt.versions['negspace']}",
    }
    return json.dumps(info)


def _info_of_stopped(body: Txt2ImgBody, reason: str) -> str:
    """The `info` of a request that its caller stopped."""
    return json.dumps(
        {
            "prompt": body.prompt,
            "all_prompts": [],
            "negative_prompt": body.negative_prompt,
            "all_negative_prompts": [],
            "seed": body.seed,
            "all_seeds": [],
            "infotexts": [],
            "extra_generation_params": {"Left off": reason},
            "job_timestamp": timestamp(),
        }
    )


def _extra(body: Txt2ImgBody, finished: Finished) -> dict[str, Any]:
    receipt = finished.receipt
    extra: dict[str, Any] = {
        "Negative acted": acted(receipt),
        "Rule": receipt.rule,
        "Evaluations": ", ".join(f"{count} {branch}" for branch, count in receipt.evaluations.items()),
        "Terms": [
            {"term": term.term, "weight": term.weight, "source": term.source, "channel": term.channel}
            for term in receipt.terms
        ],
        "Findings": [finding.text for finding in receipt.findings],
        "Receipts": [receipt_path(picture) for picture in finished.pictures],
    }
    tags = (finding.text for finding in receipt.findings if finding.code in ("lora", "tag"))
    left_out = ", ".join((*body.unsupported, *(text.removeprefix("not carried out: ") for text in tags)))
    return extra | ({"Not carried out": left_out} if left_out else {})


def _answer(feedback: FeedbackReply | None, receipt: Receipt) -> dict[str, Any]:
    return {} if feedback is None else {"Feedback": feedback.to_plain(receipt)}


class PngInfoBody(BaseModel):
    """The body of png-info."""

    image: str


@router.post("/png-info")
async def png_info(body: PngInfoBody, service: Serving) -> dict[str, Any]:
    """The infotext of a picture, its settings one by one, and every text in the file, also the receipt."""
    return await service.read(_png_info, from_base64(body.image))


def _png_info(file: bytes) -> dict[str, Any]:
    items = read_texts(file)
    parameters = items.get(png.PARAMETERS, "")
    read = infotext.read(parameters)
    settings = {"Prompt": read.prompt, "Negative prompt": read.negative, **read.settings}
    return {"info": parameters, "items": items, "parameters": settings if parameters else {}}
