"""Job: one accepted request under way, as the event loop sees it."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import final

from negspace.planning.plan import Plan
from negspace.request import Request
from negspace.serve.access.tenants import Tenant
from negspace.serve.jobs.events import Done, Event, Failed, Finished, JobProgress
from negspace.serve.refusal import Refusal

_KEPT = 64
"""Events that wait for a slow reader; beyond that the oldest are skipped, the last never."""


def new_id() -> str:
    """An id that nobody can guess."""
    return secrets.token_hex(16)


@dataclass(frozen=True, eq=False)
class Order:
    """What was accepted.

    Attributes:
        id: of the job.
        request: as asked, with names.
        plan: that runs: of the request with file paths instead of names.
        tenant: on whose behalf.
        priority: among the jobs of the same tenant the higher goes first.
        deadline: moment by which it must be finished, in seconds since the epoch; None is none.
        conversation: that it belongs to.
        previews: how often each picture is shown on its way, evenly spread.
        accepted: moment, in seconds since the epoch.
    """

    request: Request
    plan: Plan
    tenant: Tenant
    priority: int = 0
    deadline: float | None = None
    conversation: str | None = None
    previews: int = 0
    id: str = field(default_factory=new_id)
    accepted: float = field(default_factory=time.time)

    @property
    def model(self) -> str:
        """Name of the model that makes the pictures."""
        return self.plan.request.model or ""


@final
class Job:
    """An accepted request. Used from the event loop it was made in.

    Args:
        order: what was accepted.
        withdraw: tells whoever carries it out to leave off.
        show: tells them to show what is under way once.

    Attributes:
        order: as given.
    """

    def __init__(self, order: Order, withdraw: Callable[[], None], show: Callable[[], None]) -> None:
        self.order = order
        self._withdraw = withdraw
        self._show = show
        self._progress = JobProgress(0, 0)
        self._end: Done | Failed | None = None
        self._readers: list[_Reader] = []

    @property
    def id(self) -> str:
        """Of the job."""
        return self.order.id

    @property
    def progress(self) -> JobProgress:
        """Steps taken so far; (0, 0) before the first."""
        return self._progress

    @property
    def end(self) -> Done | Failed | None:
        """How it ended; None while it has not."""
        return self._end

    def cancel(self) -> None:
        """Leave off within one step. Does nothing to a job that has ended."""
        if self._end is None:
            self._withdraw()

    def show(self) -> None:
        """Have the first unfinished picture shown once, as an event after the next step. Pictures that
        nobody looks at need not be decoded."""
        if self._end is None:
            self._show()

    async def events(self) -> AsyncIterator[Event]:
        """What happens from now on. The last event is Done or Failed; it comes at once if that is past."""
        if self._end is not None:
            yield self._end
            return
        reader = _Reader()
        self._readers.append(reader)
        try:
            while True:
                event = await reader.next()
                yield event
                if isinstance(event, Done | Failed):
                    return
        finally:
            self._readers.remove(reader)

    async def finished(self) -> Finished:
        """The pictures.

        Raises:
            Refusal: it failed, or was cancelled.
        """
        end = self._end
        if end is None:
            async for event in self.events():
                if isinstance(event, Done | Failed):
                    end = event
        match end:
            case Done(finished):
                return finished
            case Failed(why):
                raise why
        raise Refusal("the job ended without a word", 500, "internal")

    def post(self, event: Event) -> None:
        """Tell everyone who reads the events."""
        if self._end is not None:
            return
        match event:
            case JobProgress():
                self._progress = event
            case Done() | Failed():
                self._end = event
        for reader in self._readers:
            reader.put(event)


@final
class _Reader:
    """One who reads the events of a job, at its own pace."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=_KEPT)
        self._there = asyncio.Event()

    def put(self, event: Event) -> None:
        self._events.append(event)
        self._there.set()

    async def next(self) -> Event:
        while not self._events:
            self._there.clear()
            await self._there.wait()
        return self._events.popleft()
