"""Desk: what AUTOMATIC1111 keeps for its one user, here for each caller: a model, and what is under way."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi import Request as HttpRequest

from negspace.serve.clients.dialect import Caller
from negspace.serve.jobs.job import Job


@dataclass(eq=False)
class CallerJob:
    """A job that a caller waits for.

    Attributes:
        job: the job.
        preview: what its picture last looked like, PNG; None before it was shown.
        left: "interrupted" or "skipped" where the caller had it left off; "" where not.
    """

    job: Job
    preview: bytes | None = None
    left: str = ""


@dataclass(eq=False)
class CallerState:
    """A caller's.

    Attributes:
        model: chosen by the options; None is the server's default.
        under_way: the oldest first.
    """

    model: str | None = None
    under_way: list[CallerJob] = field(default_factory=list[CallerJob])

    def leave(self, word: str, sittings: list[CallerJob]) -> None:
        """Have jobs left off."""
        for sitting in sittings:
            sitting.left = word
            sitting.job.cancel()


@asynccontextmanager
async def desks(app: FastAPI) -> AsyncIterator[None]:
    """The desks of an application, for as long as it runs."""
    app.state.desks = dict[str, CallerState]()
    yield


def desk(http: HttpRequest, tenant: Caller) -> CallerState:
    """The desk of the caller. Callers are named by the operator, so there are only so many."""
    return http.app.state.desks.setdefault(tenant.name, CallerState())


Mine = Annotated[CallerState, Depends(desk)]


def stamp(seconds: float | None = None) -> str:
    """A moment as AUTOMATIC1111 writes it."""
    return time.strftime("%Y%m%d%H%M%S", time.localtime(seconds))
