"""Desk: where orders are handed in and taken up. Every thread may use it."""

import threading
import time
from collections.abc import Mapping
from typing import final

from negspace.serve.jobs.job import Order
from negspace.serve.jobs.queue import Queue, Ticket
from negspace.serve.refusal import Refusal


@final
class JobBoard:
    """What waits, what is under way, and what is to be done about it.

    Args:
        queue: what waits. The desk's alone.
    """

    def __init__(self, queue: Queue) -> None:
        self._changed = threading.Condition()
        self._news = 0
        self._until: float | None = None
        self._queue = queue
        self._orders: dict[str, Order] = {}
        self._withdrawn: set[str] = set()
        self._looked_for: set[str] = set()

    @property
    def waiting(self) -> int:
        """Pictures that wait."""
        with self._changed:
            return len(self._queue)

    def reserve(self, ticket: Ticket) -> None:
        """Keep places in the queue for an order.

        Raises:
            Full: there is no room.
        """
        with self._changed:
            self._queue.reserve(ticket)

    def release(self, id: str) -> None:
        """Give back the places of an order that does not come."""
        with self._changed:
            self._queue.drop(id)

    def enter(self, order: Order, ticket: Ticket) -> None:
        """Let an order wait, with places or accepted by an earlier server."""
        with self._changed:
            self._queue.enter(ticket)
            self._orders[order.id] = order
            self.nudge()

    def withdraw(self, id: str) -> None:
        """Leave off an order before its next step."""
        with self._changed:
            self._withdrawn.add(id)
            self.nudge()

    def show(self, id: str) -> None:
        """Show the first unfinished picture of an order once, after its next step."""
        with self._changed:
            self._looked_for.add(id)

    def nudge(self) -> None:
        """Have everyone who waits look again."""
        with self._changed:
            self._news += 1
            self._changed.notify_all()

    def close(self, grace: float) -> None:
        """Send everyone home once no order is left, or when the time is up.

        Args:
            grace: seconds.
        """
        with self._changed:
            self._until = time.monotonic() + grace
            self.nudge()

    def wait(self, seen: int, busy: bool) -> int | None:
        """Wait until there may be something to do.

        Args:
            seen: what this gave the last time; 0 at first.
            busy: whether who asks has something to do anyway.

        Returns:
            how much has happened so far; None when it is time to go.
        """
        with self._changed:
            while not self._over:
                if busy or self._news != seen or not self._changed.wait(timeout=self._patience):
                    return self._news
            return None

    def take(self) -> tuple[Order, int] | None:
        """The picture that begins now, as its order and its place in it; None where nothing waits."""
        with self._changed:
            taken = self._queue.take()
            return None if taken is None else (self._orders[taken[0].id], taken[1])

    def knows(self, id: str) -> bool:
        """Whether an order has not ended."""
        with self._changed:
            return id in self._orders

    def gone(self, now: float) -> Mapping[str, Refusal]:
        """Orders that nobody wants any more, each with why. They wait no longer; each has yet to be ended."""
        with self._changed:
            gone = {id: Refusal("the job was cancelled", 499, "cancelled") for id in self._withdrawn}
            self._withdrawn.clear()
            for order in self._orders.values():
                if order.deadline and order.deadline <= now:
                    gone[order.id] = Refusal("the deadline passed before it was finished", 408, "deadline")
            return {id: why for id, why in gone.items() if id in self._orders}

    def asked_to_show(self, id: str) -> bool:
        """Whether an order is to be shown; told once."""
        with self._changed:
            asked = id in self._looked_for
            self._looked_for.discard(id)
            return asked

    def end(self, id: str) -> Order | None:
        """Strike an order off, whatever of it waits; None where it has ended already."""
        with self._changed:
            self._queue.drop(id)
            self._looked_for.discard(id)
            order = self._orders.pop(id, None)
            if not self._orders:
                self.nudge()
            return order

    @property
    def _over(self) -> bool:
        return self._until is not None and (not self._orders or time.monotonic() > self._until)

    @property
    def _patience(self) -> float | None:
        """Seconds until somebody has to look although nothing happened: a deadline may pass."""
        return 0.5 if self._until is not None or self._orders else None
