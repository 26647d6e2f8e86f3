"""Accepted jobs, what happens to them as plain values, and what the event loop knows of them."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import final

from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from negspace.request import Request
from negspace.serve.access.tenants import Tenant
from negspace.serve.feedback_reply import FeedbackReply
from negspace.serve.refusal import Refusal
from negspace.store.clock import now

_BUFFERED = 64
"""Events that wait for a slow reader; beyond that the oldest are skipped, the last never."""


@dataclass(frozen=True)
class JobProgress:
    """Steps taken.

    Attributes:
        done, total: evaluation steps, over all pictures of the job.
    """

    done: int
    total: int


@dataclass(frozen=True)
class Preview:
    """What a picture looks like on its way.

    Attributes:
        index: which picture of the job.
        done, total: its own evaluation steps.
        png: a small PNG.
    """

    index: int
    done: int
    total: int
    png: bytes


@dataclass(frozen=True)
class JobPicture:
    """A finished picture.

    Attributes:
        id: by which it is asked for; it names the job and the place in it.
        png: the file, with infotext and receipt in it.
        receipt: of this picture alone.
    """

    id: str
    png: bytes
    receipt: Receipt


@dataclass(frozen=True)
class Finished:
    """A job that came to its end.

    Attributes:
        id: of the job.
        pictures: in the order of their seeds.
        receipt: of all of them.
        seconds: from acceptance to the end.
    """

    id: str
    pictures: tuple[JobPicture, ...]
    receipt: Receipt
    seconds: float


@dataclass(frozen=True)
class Done:
    """The job is finished."""

    finished: Finished


@dataclass(frozen=True)
class Failed:
    """The job ended without pictures."""

    refusal: Refusal


Event = JobProgress | Preview | Done | Failed
"""The last event of a job is Done or Failed."""


def picture_id(job: str, index: int) -> str:
    """The id of picture `index` of a job."""
    return f"{job}-{index}"


def job_of(picture: str) -> str:
    """The id of the job of a picture, by the picture's."""
    return picture.rpartition("-")[0]


@dataclass(frozen=True, eq=False)
class AcceptedJob:
    """A request that was accepted, with the plan that runs.

    Attributes:
        id: of the job; nobody can guess it.
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
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    accepted_at: float = field(default_factory=now)

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
        progress: steps taken so far; (0, 0) before the first.
        feedback: the reply to the feedback that it follows from; None where there was none.
    """

    def __init__(
        self, accepted: AcceptedJob, cancel: Callable[[], None], request_preview: Callable[[], None]
    ) -> None:
        self.accepted = accepted
        self.feedback: FeedbackReply | None = None
        self._cancel = cancel
        self._request_preview = request_preview
        self.progress = JobProgress(0, 0)
        self._end: Done | Failed | None = None
        self._readers: list[_EventReader] = []

    @property
    def id(self) -> str:
        """Of the job."""
        return self.accepted.id

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
        async for _ in self.events():
            pass
        match self._end:
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
                self.progress = event
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
