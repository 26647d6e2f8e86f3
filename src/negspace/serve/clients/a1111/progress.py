"""Progress, interrupt and skip, of the caller's own requests; and its options."""

import time
from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from negspace.serve.access.request_limits import refuse_many_fields, refuse_model
from negspace.serve.access.tenants import Tenant
from negspace.serve.catalogue import Catalogue
from negspace.serve.clients.a1111.callers import CallerJob, OwnState, stop, timestamp
from negspace.serve.dialect import Caller, Serving

router = APIRouter()

_IDLE_STATE: dict[str, Any] = {
    "skipped": False,
    "interrupted": False,
    "stopping_generation": False,
    "job": "",
    "job_count": 0,
    "job_timestamp": "",
    "job_no": 0,
    "sampling_step": 0,
    "sampling_steps": 0,
}


@router.get("/progress")
async def progress(caller: OwnState, skip_current_image: Annotated[bool, Query()] = False) -> dict[str, Any]:
    """The progress of the caller's oldest request. Asking for it orders a preview for the next call."""
    if not caller.under_way:
        return _progress(0.0, 0.0, _IDLE_STATE | {"job_timestamp": timestamp()}, None)
    oldest = caller.under_way[0]
    share = _share(oldest)
    elapsed = time.time() - oldest.job.accepted.accepted_at
    state = _state(oldest, share) | {"job_count": len(caller.under_way)}
    preview = None if skip_current_image else oldest.preview
    if not skip_current_image:
        oldest.job.request_preview()
    return _progress(share, elapsed * (1 - share) / share if share else 0.0, state, preview)


def _share(caller_job: CallerJob) -> float:
    steps = caller_job.job.progress
    return steps.done / steps.total if steps.total else 0.0


def _progress(
    share: float, seconds_left: float, state: dict[str, Any], preview: bytes | None
) -> dict[str, Any]:
    return {
        "progress": share,
        "eta_relative": seconds_left,
        "state": state,
        "current_image": None if preview is None else b64encode(preview).decode(),
        "textinfo": None,
    }


def _state(caller_job: CallerJob, share: float) -> dict[str, Any]:
    order = caller_job.job.accepted
    return _IDLE_STATE | {
        "skipped": caller_job.stopped == "skipped",
        "interrupted": caller_job.stopped == "interrupted",
        "job": order.id,
        "job_timestamp": timestamp(order.accepted_at),
        "sampling_step": int(share * order.plan.steps),
        "sampling_steps": order.plan.steps,
    }


@router.post("/interrupt")
async def interrupt(caller: OwnState) -> dict[str, Any]:
    """Cancel all requests of the caller that are under way."""
    stop(caller.under_way, "interrupted")
    return {}


@router.post("/skip")
async def skip(caller: OwnState) -> None:
    """Cancel the oldest request of the caller that is under way."""
    stop(caller.under_way[:1], "skipped")


@router.get("/options")
async def options(service: Serving, caller: OwnState) -> dict[str, Any]:
    """The few options that mean something here."""
    return {
        "sd_model_checkpoint": caller.model or service.catalogue.default,
        "sd_checkpoint_hash": "",
        "sd_vae": "Automatic",
        "CLIP_stop_at_last_layers": 1,
        "samples_format": "png",
        "img2img_background_color": "#ffffff",
        "live_previews_enable": True,
    }


@router.post("/options")
async def set_options(
    service: Serving, tenant: Caller, caller: OwnState, body: Annotated[dict[str, Any], Body()]
) -> None:
    """Choose the caller's model. Other options are accepted and change nothing."""
    refuse_many_fields(body)
    checkpoint = body.get("sd_model_checkpoint")
    if checkpoint:
        name = str(checkpoint).partition(" [")[0]
        _refuse_unknown(name, service.catalogue, tenant)
        caller.model = name


def _refuse_unknown(name: str, catalogue: Catalogue, tenant: Tenant) -> None:
    model, *policies = name.split("@")
    catalogue.facts(model)
    for policy in policies:
        catalogue.policy(policy)
    refuse_model(model, tenant)
