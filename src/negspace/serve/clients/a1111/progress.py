"""Progress, interrupt and skip, of the caller's own requests; and its options."""

import time
from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from negspace.serve.access.limits import refuse_many_fields
from negspace.serve.access.tenants import Tenant
from negspace.serve.clients.a1111.callers import Mine, stamp
from negspace.serve.clients.dialect import Caller, Serving
from negspace.serve.refusal import forbidden
from negspace.serve.service import Service

router = APIRouter()


@router.get("/progress")
async def progress(desk: Mine, skip_current_image: Annotated[bool, Query()] = False) -> dict[str, Any]:
    """How far the caller's oldest request is. Asking has the picture shown, to whoever asks again."""
    if not desk.under_way:
        return _progress(0.0, 0.0, _state())
    sitting = desk.under_way[0]
    order, taken = sitting.job.order, sitting.job.progress
    share = taken.done / taken.total if taken.total else 0.0
    left = (time.time() - order.accepted) * (1 - share) / share if share else 0.0
    state = _state(
        skipped=sitting.left == "skipped",
        interrupted=sitting.left == "interrupted",
        job=order.id,
        count=len(desk.under_way),
        since=order.accepted,
        step=int(share * order.plan.steps),
        steps=order.plan.steps,
    )
    preview = None if skip_current_image else sitting.preview
    if not skip_current_image:
        sitting.job.show()
    return _progress(share, left, state, None if preview is None else b64encode(preview).decode())


def _progress(share: float, left: float, state: dict[str, Any], image: str | None = None) -> dict[str, Any]:
    return {
        "progress": share,
        "eta_relative": left,
        "state": state,
        "current_image": image,
        "textinfo": None,
    }


def _state(
    skipped: bool = False,
    interrupted: bool = False,
    job: str = "",
    count: int = 0,
    since: float | None = None,
    step: int = 0,
    steps: int = 0,
) -> dict[str, Any]:
    return {
        "skipped": skipped,
        "interrupted": interrupted,
        "stopping_generation": False,
        "job": job,
        "job_count": count,
        "job_timestamp": stamp(since),
        "job_no": 0,
        "sampling_step": step,
        "sampling_steps": steps,
    }


@router.post("/interrupt")
async def interrupt(desk: Mine) -> dict[str, Any]:
    """Leave off everything the caller waits for."""
    desk.leave("interrupted", desk.under_way)
    return {}


@router.post("/skip")
async def skip(desk: Mine) -> None:
    """Leave off the oldest request that the caller waits for."""
    desk.leave("skipped", desk.under_way[:1])


@router.get("/options")
async def options(service: Serving, desk: Mine) -> dict[str, Any]:
    """The few options that mean something here."""
    return {
        "sd_model_checkpoint": desk.model or service.catalogue.default,
        "sd_checkpoint_hash": "",
        "sd_vae": "Automatic",
        "CLIP_stop_at_last_layers": 1,
        "samples_format": "png",
        "img2img_background_color": "#ffffff",
        "live_previews_enable": True,
    }


@router.post("/options")
async def set_options(
    service: Serving, tenant: Caller, desk: Mine, given: Annotated[dict[str, Any], Body()]
) -> None:
    """Choose the caller's model. Other options are taken and change nothing."""
    refuse_many_fields(given)
    named = given.get("sd_model_checkpoint")
    if named:
        name = str(named).partition(" [")[0]
        _refuse_unknown(service, tenant, name)
        desk.model = name


def _refuse_unknown(service: Service, tenant: Tenant, name: str) -> None:
    model, *policies = name.split("@")
    service.catalogue.facts(model)
    for policy in policies:
        service.catalogue.policy(policy)
    if tenant.models is not None and model not in tenant.models:
        raise forbidden(f"{tenant.name} may not ask for model {model!r}")
