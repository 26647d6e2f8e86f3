"""Which jobs wait, run, or have to stop. Every thread may use it."""

import threading
import time
from collections.abc import Mapping
from typing import final

from negspace.serve.jobs.job import AcceptedJob
from negspace.serve.jobs.queue import Queue, Ticket
from negspace.serve.refusal import Refusal


@final
class JobScheduler:
    """The jobs that have not ended: which picture begins next, and which jobs have to stop.

    Args:
        queue: orders what waits; used by nothing else.
    """

    def __init__(self, queue: Queue) -> None:
        self._changed = threading.Condition()
        self._changes = 0
        self._closes_at: float | None = None
        self._queue = queue
        self._jobs: dict[str, AcceptedJob] = {}
        self._cancelled: set[str] = set()
        self._preview_requests: set[str] = set()

    @property
    def waiting(self) -> int:
        """Pictures that wait."""
        with self._changed:
            return len(self._queue)

    def reserve(self, ticket: Ticket) -> None:
        """Keep places in the queue for a job.

        Raises:
            Full: there is no room.
        """
        with self._changed:
            self._queue.reserve(ticket)

    def release(self, id: str) -> None:
        """Give back the places of a job that is not added after all."""
        with self._changed:
            self._queue.drop(id)

    def add(self, job: AcceptedJob, ticket: Ticket) -> None:
        """Queue a job that has places, or that an earlier server accepted."""
        with self._changed:
            self._queue.add(ticket)
            self._jobs[job.id] = job
            self.wake()

    def cancel(self, id: str) -> None:
        """Stop a job before its next step."""
        with self._changed:
            self._cancelled.add(id)
            self.wake()

    def request_preview(self, id: str) -> None:
        """Have the first unfinished picture of a job previewed once, after its next step."""
        with self._changed:
            self._preview_requests.add(id)

    def wake(self) -> None:
        """Wake every thread that waits."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def close(self, grace: float) -> None:
        """Let every thread stop once no job is left, or after `grace` seconds."""
        with self._changed:
            self._closes_at = time.monotonic() + grace
            self.wake()

    def wait(self, changes: int, busy: bool) -> int | None:
        """Wait until there may be something to do.

        Args:
            changes: what this returned the last time; 0 at first.
            busy: whether the thread has something to do anyway.

        Returns:
            the number of changes so far; None when the thread is to stop.
        """
        with self._changed:
            while not self._closed:
                if busy or self._changes != changes or not self._changed.wait(timeout=self._timeout):
                    return self._changes
            return None

    def take(self) -> tuple[AcceptedJob, int] | None:
        """The picture that begins now, as its job and its index in it; None where nothing waits."""
        with self._changed:
            taken = self._queue.take()
            return None if taken is None else (self._jobs[taken[0].id], taken[1])

    def has(self, id: str) -> bool:
        """Whether a job has not ended."""
        with self._changed:
            return id in self._jobs

    def stopped(self, now: float) -> Mapping[str, Refusal]:
        """Why jobs stop that were cancelled or whose deadline has passed; the caller ends them."""
        with self._changed:
            reasons = {id: Refusal("the job was cancelled", 499, "cancelled") for id in self._cancelled}
            self._cancelled.clear()
            for job in self._jobs.values():
                if job.deadline and job.deadline <= now:
                    reasons[job.id] = Refusal("the deadline passed before it was finished", 408, "deadline")
            return {id: reason for id, reason in reasons.items() if id in self._jobs}

    def take_preview_request(self, id: str) -> bool:
        """Whether a preview of a job was requested; once for each request."""
        with self._changed:
            requested = id in self._preview_requests
            self._preview_requests.discard(id)
            return requested

    def end(self, id: str) -> AcceptedJob | None:
        """Remove a job, whatever of it waits; None where it has ended already."""
        with self._changed:
            self._queue.drop(id)
            self._preview_requests.discard(id)
            job = self._jobs.pop(id, None)
            if not self._jobs:
                self.wake()
            return job

    @property
    def _closed(self) -> bool:
        return self._closes_at is not None and (not self._jobs or time.monotonic() > self._closes_at)

    @property
    def _timeout(self) -> float | None:
        """Seconds after which a thread wakes although nothing changed: a deadline may have passed."""
        return 0.5 if self._closes_at is not None or self._jobs else None
