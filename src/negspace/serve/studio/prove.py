"""The tab Prove: a trial that one starts and watches, and its report."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from negspace.lab.report import verdict_label
from negspace.lab.results import ProofResult
from negspace.lab.wording import effect_text
from negspace.request import Request as PictureRequest
from negspace.serve.dialect import Caller, Serving, server_sent_event
from negspace.serve.refusal import not_found
from negspace.serve.studio.pages import render
from negspace.serve.studio.trials import Trials, WatchedTrial, stopped_by

router = APIRouter(include_in_schema=False)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep the trials of the application, and stop them with it."""
    app.state.trials = Trials(app.state.service)
    yield
    await app.state.trials.stop()


def _trials(http: Request) -> Trials:
    return http.app.state.trials


class TrialWish(BaseModel):
    """A question to be answered.

    Attributes:
        prompt, avoid: what is wanted, and the list with commas.
        model, scale, steps, rule: as in a request.
        seed: of the first picture.
        most_pictures: at most so many are made.
    """

    model_config = ConfigDict(extra="forbid")

    prompt: str = Field(min_length=1)
    avoid: str = Field(min_length=1, max_length=10_000)
    model: str | None = None
    scale: float | None = None
    steps: int | None = None
    rule: str | None = None
    seed: int = Field(default=0, ge=0, le=2**32)
    most_pictures: int = Field(default=400, ge=1, le=5000)


@router.get("/studio/prove")
async def page(
    http: Request,
    service: Serving,
    tenant: Caller,
    prompt: Annotated[str, Query(max_length=10_000)] = "",
    avoid: Annotated[str, Query(max_length=10_000)] = "",
) -> Response:
    """The page, with a question to begin with."""
    return render(
        http,
        "prove",
        prompt=prompt,
        avoid=avoid,
        models=list(service.catalogue.models_for(tenant)),
        watched=_trials(http).of(tenant)[:20],
        reports=await asyncio.to_thread(_reports, service, tenant.name),
        data={"watch": next((trial.id for trial in _trials(http).of(tenant) if not trial.ended), None)},
    )


def _reports(service: Serving, tenant: str) -> list[tuple[str, ProofResult]]:
    ids = service.store.trials(tenant)[:20]
    kept = [(id, service.store.trial(id, tenant)) for id in ids]
    return [(id, ProofResult.from_json(content)) for id, content in kept if content is not None]


@router.post("/api/studio/trials", status_code=202)
async def start(wish: TrialWish, http: Request, tenant: Caller) -> dict[str, str]:
    """Begin a trial."""
    fields = wish.model_dump(exclude={"most_pictures"}, exclude_none=True)
    request = PictureRequest.from_dict(fields)
    trial = await _trials(http).start(request, wish.most_pictures, tenant)
    return {"id": trial.id}


@router.delete("/api/studio/trials/{id}", status_code=202)
async def stop(id: str, http: Request, tenant: Caller) -> dict[str, str]:
    """Stop a trial."""
    stopped_by(_trials(http).get(id, tenant))
    return {"id": id}


@router.get("/api/studio/trials/{id}/events")
async def watch(id: str, http: Request, tenant: Caller) -> Response:
    """What is known of a trial, as server-sent events until it ends."""
    events = _events(_trials(http).get(id, tenant))
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _events(trial: WatchedTrial) -> AsyncIterator[str]:
    async for snapshot in trial.snapshots():
        yield server_sent_event("trial", snapshot)


@router.get("/studio/prove/{id}")
async def report(id: str, http: Request, service: Serving, tenant: Caller) -> Response:
    """The report of a trial that has ended."""
    content = await asyncio.to_thread(service.store.trial, id, tenant.name)
    if content is None:
        raise not_found(f"trial {id!r}")
    result = ProofResult.from_json(content)
    verdicts = [(verdict_label(verdict), verdict) for verdict in result.verdicts.values()]
    return render(
        http, "report", tab="prove", id=id, result=result, verdicts=verdicts, effect_text=effect_text
    )
