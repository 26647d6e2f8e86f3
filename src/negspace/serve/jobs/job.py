"""Accepted jobs: what the worker runs, and what the event loop knows of it."""

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
from negspace.serve.feedback_reply import FeedbackReply
from negspace.serve.jobs.events import Done, Event, Failed, Finished, JobProgress
from negspace.serve.refusal import Refusal

_BUFFERED = 64
"""Events that wait for a slow reader; beyond that the oldest are skipped, the last never."""


def new_id() -> str:
    """An id that nobody can guess."""
    return secrets.token_hex(16)


@dataclass(frozen=True, eq=False)
class AcceptedJob:
    """A request that was accepted, with the plan that runs.

    Attributes:
        id: of the job.
        request: as the client sent it, with names.
        plan: of that request with file paths instead of names.
        tenant: on whose behalf.
        priority: among the jobs of the same tenant the higher goes first.
        deadline: moment by which it must be finished, in seconds since the epoch; None is none.
        conversation: that it belongs to.
        previews: how often each picture is shown on its way, evenly spread.
        accepted_at: moment, in seconds since the epoch.
    """

    request: Request
    plan: Plan
    tenant: Tenant
    priority: int = 0
    deadline: float | None = None
    conversation: str | None = None
    previews: int = 0
    id: str = field(default_factory=new_id)
    accepted_at: float = field(default_factory=time.time)

    @property
    def model(self) -> str:
        """Name of the model that makes the pictures."""
        return self.plan.request.model or ""


@final
class Job:
    """A job and its events. Used from the event loop it was made in.

    Args:
        accepted: the job.
        cancel: stops it.
        request_preview: has what is under way previewed once.

    Attributes:
        accepted: as given.
        feedback: the reply to the feedback that it follows from; None where there was none.
    """

    def __init__(
        self, accepted: AcceptedJob, cancel: Callable[[], None], request_preview: Callable[[], None]
    ) -> None:
        self.accepted = accepted
        self.feedback: FeedbackReply | None = None
        self._cancel = cancel
        self._request_preview = request_preview
        self._progress = JobProgress(0, 0)
        self._end: Done | Failed | None = None
        self._readers: list[_EventReader] = []

    @property
    def id(self) -> str:
        """Of the job."""
        return self.accepted.id

    @property
    def progress(self) -> JobProgress:
        """Steps taken so far; (0, 0) before the first."""
        return self._progress

    @property
    def end(self) -> Done | Failed | None:
        """How it ended; None while it has not."""
        return self._end

    def cancel(self) -> None:
        """Stop within one step. Does nothing to a job that has ended."""
        if self._end is None:
            self._cancel()

    def request_preview(self) -> None:
        """Have the first unfinished picture previewed once, as an event after the next step. Pictures that
        nobody looks at need not be decoded."""
        if self._end is None:
            self._request_preview()

    async def events(self) -> AsyncIterator[Event]:
        """What happens from now on. The last event is Done or Failed; it comes at once if that is past."""
        if self._end is not None:
            yield self._end
            return
        reader = _EventReader()
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
            case Failed(refusal):
                raise refusal
        raise Refusal("the job ended without a result", 500, "internal")

    def post(self, event: Event) -> None:
        """Send an event to everyone who reads them."""
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
class _EventReader:
    """Reads the events of a job at its own pace."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=_BUFFERED)
        self._available = asyncio.Event()

    def put(self, event: Event) -> None:
        self._events.append(event)
        self._available.set()

    async def next(self) -> Event:
        while not self._events:
            self._available.clear()
            await self._available.wait()
        return self._events.popleft()
