"""Worker: the thread that makes the pictures. Lanes of many jobs share forwards, admitted between steps."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import final

import torch

from negspace.engine import Engine, Lane, Width
from negspace.generate import Model, Run
from negspace.models.base import Network
from negspace.serve.events import Progress
from negspace.serve.job import Order
from negspace.serve.listener import Listener
from negspace.serve.queue import Queue, Ticket
from negspace.serve.refusal import Refusal
from negspace.serve.residents import Residents

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Work:
    """An order under way.

    Attributes:
        order: the order.
        run: its pictures.
        left: lanes that are not finished, admitted or not.
        shown: by picture, the last step after which it was looked at for a preview.
    """

    order: Order
    run: Run
    left: list[Lane] = field(default_factory=list)
    shown: dict[int, int] = field(default_factory=dict)


@final
class Worker:
    """Carries out orders in a thread of its own.

    Args:
        open: reads a model by name.
        width: rows of a forward.
        lanes: pictures under way at once.
        resident: models kept in memory.
        queue: what waits. The worker's alone once it is started.
        listener: hears what becomes of orders.
    """

    def __init__(
        self,
        open: Callable[[str], Model],
        *,
        width: Width,
        lanes: int,
        resident: int,
        queue: Queue,
        listener: Listener,
    ) -> None:
        self._width = width
        self._lanes = lanes
        self._queue = queue
        self._listener = listener
        self._residents = Residents(open, resident, self._nudge)
        self._wake = threading.Condition()
        self._news = False
        self._stopping = False
        self._orders: dict[str, Order] = {}
        self._withdrawn: set[str] = set()
        self._looked_for: set[str] = set()
        self._parked: list[tuple[Ticket, int]] = []
        self._works: dict[str, _Work] = {}
        self._engines: dict[Network, Engine] = {}
        self._rate = 0.0
        self._thread = threading.Thread(target=self._live, name="negspace worker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Leave off once nothing is under way and nothing waits, or when the time is up.

        Args:
            grace: seconds.
        """
        with self._wake:
            self._stopping = True
            self._deadline = time.monotonic() + grace
            self._news = True
            self._wake.notify()
        self._thread.join()

    @property
    def waiting(self) -> int:
        """Pictures that wait."""
        with self._wake:
            return len(self._queue)

    def seconds_for(self, evaluations: float) -> float:
        """How long that many evaluations take at the present pace, about; 1 before anything was measured."""
        return evaluations / self._rate if self._rate else 1.0

    def reserve(self, ticket: Ticket) -> None:
        """Keep places in the queue for an order.

        Raises:
            Full: there is no room.
        """
        with self._wake:
            self._queue.reserve(ticket)

    def release(self, id: str) -> None:
        """Give back the places of an order that does not come."""
        with self._wake:
            self._queue.drop(id)

    def enter(self, order: Order, ticket: Ticket) -> None:
        """Let an order wait, with places or accepted by an earlier server."""
        with self._wake:
            self._queue.enter(ticket)
            self._orders[order.id] = order
            self._news = True
            self._wake.notify()

    def withdraw(self, id: str) -> None:
        """Leave off an order before its next step."""
        with self._wake:
            self._withdrawn.add(id)
            self._news = True
            self._wake.notify()

    def show(self, id: str) -> None:
        """Show the first unfinished picture of an order once, after its next step."""
        with self._wake:
            self._looked_for.add(id)

    def _nudge(self) -> None:
        with self._wake:
            self._news = True
            self._wake.notify()

    # What follows runs in the worker's thread.

    def _live(self) -> None:
        torch.set_num_threads(self._width.threads)
        while self._awake():
            self._leave_off()
            self._admit()
            for network, engine in list(self._engines.items()):
                self._tick(engine)
                if not engine.lanes:
                    del self._engines[network]

    def _awake(self) -> bool:
        """Wait until there is something to do; False when it is time to go."""
        with self._wake:
            while True:
                if self._stopping and (self._idle or time.monotonic() > self._deadline):
                    return False
                if self._news or self._engines:
                    self._news = False
                    return True
                if not self._wake.wait(timeout=self._patience()):
                    return True

    @property
    def _idle(self) -> bool:
        return not self._engines and not self._parked and not len(self._queue)

    def _patience(self) -> float | None:
        """Seconds until something has to be looked at although nothing happened."""
        return 0.5 if self._stopping or self._orders else None

    def _leave_off(self) -> None:
        now = time.time()
        with self._wake:
            gone = {id: Refusal("the job was cancelled", 499, "cancelled") for id in self._withdrawn}
            self._withdrawn.clear()
            late = [order for order in self._orders.values() if order.deadline and order.deadline <= now]
            gone |= {
                order.id: Refusal("the deadline passed before it was finished", 408, "deadline")
                for order in late
            }
            for id in gone:
                self._queue.drop(id)
        self._parked = [one for one in self._parked if one[0].id not in gone]
        for id, why in gone.items():
            self._fail(id, why)

    def _admit(self) -> None:
        """Let pictures begin while there are places."""
        parked, self._parked = self._parked, []
        for ticket, index in parked:
            self._begin(ticket, index)
        while sum(len(engine.lanes) for engine in self._engines.values()) + len(self._parked) < self._lanes:
            with self._wake:
                taken = self._queue.take()
            if taken is None:
                return
            self._begin(*taken)

    def _begin(self, ticket: Ticket, index: int) -> None:
        if ticket.id not in self._orders:  # it failed since
            return
        order = self._orders[ticket.id]
        try:
            work = self._works.get(ticket.id) or self._opened(order)
        except Exception as error:
            with self._wake:
                self._queue.drop(ticket.id)
            self._fail(ticket.id, error)
            return
        if work is None:
            self._parked.append((ticket, index))
            return
        network = work.run.network
        if network not in self._engines:
            self._engines[network] = Engine(network, self._width)
        self._engines[network].add(work.run.lanes[index])

    def _opened(self, order: Order) -> _Work | None:
        """The order's pictures, ready to begin; None while its model is not there."""
        at_work = {work.order.carried.model for work in self._works.values()}
        model = self._residents.get(order.carried.model or "", [name for name in at_work if name])
        if model is None:
            return None
        run = model.run(order.carried, policies=order.policies, tenant=order.tenant.name)
        self._works[order.id] = work = _Work(order, run, list(run.lanes))
        return work

    def _tick(self, engine: Engine) -> None:
        lanes, before = engine.lanes, engine.evaluations
        began = time.perf_counter()
        try:
            engine.tick()
        except Exception as error:
            log.warning("a step failed (%s); its pictures take it one by one", error)
            self._apart(engine, lanes)
        else:
            rows, seconds = engine.evaluations - before, time.perf_counter() - began
            self._measure(rows, seconds)
            self._listener.stepped(len(lanes), rows, seconds)
        for work in self._of(lanes):
            self._settle(work, engine)

    def _apart(self, engine: Engine, lanes: Sequence[Lane]) -> None:
        """One step for each lane alone, so that only those fail that cannot take it."""
        for lane in lanes:
            if lane in engine.lanes:
                engine.remove(lane)
            alone = Engine(engine.network, self._width)
            alone.add(lane)
            try:
                alone.tick()
            except Exception as error:
                for work in self._of([lane]):
                    with self._wake:
                        self._queue.drop(work.order.id)
                    self._fail(work.order.id, error)
            else:
                if not lane.done:
                    engine.add(lane)

    def _of(self, lanes: Sequence[Lane]) -> Iterator[_Work]:
        """The orders that lanes belong to."""
        taking_part = set(map(id, lanes))
        for work in list(self._works.values()):
            if any(id(lane) in taking_part for lane in work.run.lanes):
                yield work

    def _settle(self, work: _Work, engine: Engine) -> None:
        """Say how far an order is, and hand it on when it is finished."""
        self._listener.advanced(work.order, Progress(work.run.done, work.run.total))
        self._show(work)
        try:
            further = work.run.settle()  # another attempt of a picture whose check asks for one
            for lane in further:
                self._engines.setdefault(engine.network, engine).add(lane)
            work.left = [lane for lane in work.run.lanes if not lane.done]
            if work.left:
                return
            result = work.run.result()
        except Exception as error:
            self._fail(work.order.id, error)
            return
        del self._works[work.order.id]
        with self._wake:
            del self._orders[work.order.id]
            self._looked_for.discard(work.order.id)
        self._listener.made(work.order, result)

    def _show(self, work: _Work) -> None:
        """Show pictures on their way: those for which one of the moments has come, or the first where
        somebody asks."""
        id, parts = work.order.id, work.order.previews + 1
        with self._wake:
            asked = id in self._looked_for
            self._looked_for.discard(id)
        for index, lane in enumerate(work.run.lanes):
            done, total = lane.progress
            fresh = done not in (0, total, work.shown.get(index))
            if fresh and (asked or done * parts // total > (done - 1) * parts // total):
                work.shown[index] = done
                image = work.run.preview(lane)
                assert image is not None  # a step was taken
                self._listener.seen(work.order, index, Progress(done, total), image)
                asked = False

    def _fail(self, id: str, error: Exception) -> None:
        with self._wake:
            order = self._orders.pop(id, None)
            self._looked_for.discard(id)
        work = self._works.pop(id, None)
        if work is not None:
            for engine in self._engines.values():
                for lane in work.left:
                    if lane in engine.lanes:
                        engine.remove(lane)
        if order is not None:
            self._listener.failed(order, error)

    def _measure(self, evaluations: int, seconds: float) -> None:
        """Keep the pace, in evaluations a second, smoothed over some twenty steps."""
        pace = evaluations / max(seconds, 1e-6)
        self._rate = pace if not self._rate else 0.95 * self._rate + 0.05 * pace
