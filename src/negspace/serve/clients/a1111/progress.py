"""What AUTOMATIC1111 keeps for its one user, here for each caller: its jobs under way, with their progress,
interrupt and skip; and its options, of which the model counts."""

import time
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, FastAPI, Query
from fastapi import Request as HttpRequest

from negspace.serve.access.request_limits import refuse_many_fields, refuse_model
from negspace.serve.dialect import Caller, Serving
from negspace.serve.jobs.job import Job
from negspace.store.clock import now

router = APIRouter()

StopReason = Literal["", "interrupted", "skipped"]


@dataclass(eq=False)
class CallerJob:
    """A job that a caller waits for.

    Attributes:
        job: the job.
        preview: the last preview of its picture, PNG; None before the first.
        stopped: how the caller stopped it; "" while it did not.
    """

    job: Job
    preview: bytes | None = None
    stopped: StopReason = ""


@dataclass(eq=False)
class CallerState:
    """The state of one caller.

    Attributes:
        model: chosen in the options; None is the server's default.
        under_way: its jobs, the oldest first.
    """

    model: str | None = None
    under_way: list[CallerJob] = field(default_factory=list[CallerJob])


@asynccontextmanager
async def caller_states(app: FastAPI) -> AsyncIterator[None]:
    """Keep the states of all callers in the application while it runs."""
    app.state.caller_states = dict[str, CallerState]()
    yield


def state_of_caller(http: HttpRequest, tenant: Caller) -> CallerState:
    """The state of the caller. Tenants are named by the operator, so their number is bounded."""
    return http.app.state.caller_states.setdefault(tenant.name, CallerState())


OwnState = Annotated[CallerState, Depends(state_of_caller)]


def timestamp(seconds: float | None = None) -> str:
    """A moment in AUTOMATIC1111's form; None is now."""
    return time.strftime("%Y%m%d%H%M%S", time.localtime(seconds))


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
    steps = oldest.job.progress
    share = steps.done / steps.total if steps.total else 0.0
    elapsed = now() - oldest.job.accepted.accepted_at
    state = _state(oldest, share) | {"job_count": len(caller.under_way)}
    preview = None if skip_current_image else oldest.preview
    if not skip_current_image:
        oldest.job.request_preview()
    return _progress(share, elapsed * (1 - share) / share if share else 0.0, state, preview)


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
    _stop(caller.under_way, "interrupted")
    return {}


@router.post("/skip")
async def skip(caller: OwnState) -> None:
    """Cancel the oldest request of the caller that is under way."""
    _stop(caller.under_way[:1], "skipped")


def _stop(jobs: Sequence[CallerJob], reason: StopReason) -> None:
    for caller_job in jobs:
        caller_job.stopped = reason
        caller_job.job.cancel()


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
        model, *policies = name.split("@")
        service.catalogue.facts(model)
        for policy in policies:
            service.catalogue.policy(policy, tenant)
        refuse_model(model, tenant)
        caller.model = name
