"""What AUTOMATIC1111 keeps for its one user, here for each caller: a model, and the jobs under way."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fastapi import Depends, FastAPI
from fastapi import Request as HttpRequest

from negspace.serve.dialect import Caller
from negspace.serve.jobs.job import Job

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


def stop(jobs: Sequence[CallerJob], reason: StopReason) -> None:
    """Cancel jobs of a caller."""
    for caller_job in jobs:
        caller_job.stopped = reason
        caller_job.job.cancel()


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
