"""Worker: the threads that make the pictures. Lanes of many jobs share forwards, admitted between steps."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import final

import torch

from negspace.engine import Batching, Engine, Lane
from negspace.generate import Model, Run
from negspace.models.base import Network
from negspace.serve.jobs.board import JobBoard
from negspace.serve.jobs.events import JobProgress
from negspace.serve.jobs.job import Order
from negspace.serve.jobs.listener import Listener
from negspace.serve.jobs.loaded_models import LoadedModels

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Work:
    """An order under way, maybe in several hands.

    Attributes:
        order: the order.
        run: its pictures.
        shown: by picture, the last step after which it was looked at for a preview.
        over: whether it has ended; its lanes then leave.
        lock: of whoever looks at all its pictures.
    """

    order: Order
    run: Run
    shown: dict[int, int] = field(default_factory=dict)
    over: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(eq=False)
class _Hand:
    """What one thread drives.

    Attributes:
        engines: one a network.
        owners: the lanes under way in them, each with its work.
    """

    engines: dict[Network, Engine] = field(default_factory=dict)
    owners: dict[Lane, _Work] = field(default_factory=dict)

    def add(self, lane: Lane, work: _Work, width: Batching) -> None:
        """Let a lane take part from the next step on."""
        network = work.run.network
        if network not in self.engines:
            self.engines[network] = Engine(network, width)
        self.engines[network].add(lane)
        self.owners[lane] = work

    def forget(self, lanes: Iterable[Lane]) -> None:
        """Lanes that are finished, or whose work has ended, leave."""
        for lane in list(lanes):
            network = self.owners.pop(lane).run.network
            engine = self.engines.get(network)
            if engine is not None and lane in engine.lanes:
                engine.remove(lane)
            if engine is not None and not engine.lanes:
                del self.engines[network]


@final
class Worker:
    """Carries out orders in threads of its own, as many as the width drives engines with.

    Args:
        desk: where orders come from.
        open: reads a model by name.
        width: rows of a forward.
        lanes: pictures under way at once.
        resident: models kept in memory.
        listener: hears what becomes of orders.
    """

    def __init__(
        self,
        desk: JobBoard,
        open: Callable[[str], Model],
        *,
        width: Batching,
        lanes: int,
        resident: int,
        listener: Listener,
    ) -> None:
        self._desk = desk
        self._width = width
        self._lanes = lanes
        self._listener = listener
        self._residents = LoadedModels(open, resident, desk.nudge)
        self._admission = threading.RLock()
        self._parked: list[tuple[Order, int]] = []
        self._works: dict[str, _Work] = {}
        self._hands = [_Hand() for _ in range(width.workers)]
        self._rate = 0.0
        self._threads = [
            threading.Thread(target=self._live, args=(hand,), name="negspace worker", daemon=True)
            for hand in self._hands
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, grace: float) -> None:
        """Leave off once nothing is under way and nothing waits, or when the time is up.

        Args:
            grace: seconds.
        """
        self._desk.close(grace)
        for thread in self._threads:
            thread.join()

    def seconds_for(self, evaluations: float) -> float:
        """How long that many evaluations take at the present pace, about; 1 before anything was measured."""
        return evaluations / self._rate if self._rate else 1.0

    # What follows runs in the worker's threads.

    def _live(self, hand: _Hand) -> None:
        seen: int | None = 0
        while (seen := self._desk.wait(seen, bool(hand.owners))) is not None:
            try:
                self._go_round(hand)
            except Exception as error:  # a fault of ours ends what it met with, not the thread
                log.exception("a step could not be taken; its orders end")
                for work in set(hand.owners.values()):
                    self._fail(work.order.id, error)
                hand.forget(hand.owners)

    def _go_round(self, hand: _Hand) -> None:
        for id, why in self._desk.gone(time.time()).items():
            self._fail(id, why)
        hand.forget([lane for lane, work in hand.owners.items() if work.over])
        self._admit(hand)
        for engine in list(hand.engines.values()):
            self._tick(hand, engine)

    def _admit(self, hand: _Hand) -> None:
        """Let pictures begin while there are places, in the hand that has fewest."""
        with self._admission:
            parked, self._parked = self._parked, []
            for order, index in parked:
                self._begin(hand, order, index)
            while self._has_place(hand) and (taken := self._desk.take()) is not None:
                self._begin(hand, *taken)

    def _has_place(self, hand: _Hand) -> bool:
        under_way = [len(one.owners) for one in self._hands]
        room = sum(under_way) + len(self._parked) < self._lanes
        return room and len(hand.owners) == min(under_way)

    def _begin(self, hand: _Hand, order: Order, index: int) -> None:
        if not self._desk.knows(order.id):  # it ended since
            return
        try:
            work = self._works.get(order.id) or self._opened(order)
        except Exception as error:
            self._fail(order.id, error)
            return
        if work is None:
            self._parked.append((order, index))
        else:
            hand.add(work.run.lanes[index], work, self._width)

    def _opened(self, order: Order) -> _Work | None:
        """The order's pictures, ready to begin; None while its model is not there."""
        at_work = {work.order.model for work in self._works.values()}
        model = self._residents.get(order.model, [name for name in at_work if name])
        if model is None:
            return None
        run = model.run(order.plan)
        self._works[order.id] = work = _Work(order, run)
        return work

    def _tick(self, hand: _Hand, engine: Engine) -> None:
        lanes, before, busy = engine.lanes, engine.evaluations, sum(bool(one.owners) for one in self._hands)
        works = {hand.owners[lane] for lane in lanes}
        engine.batching = self._width.shared_by(busy)
        torch.set_num_threads(engine.batching.torch_threads)
        began = time.perf_counter()
        try:
            engine.tick()
        except Exception as error:
            log.warning("a step failed (%s); its pictures take it one by one", error)
            self._apart(hand, engine, lanes)
        else:
            rows, seconds = engine.evaluations - before, time.perf_counter() - began
            self._measure(busy * rows / max(seconds, 1e-6))
            self._listener.stepped(len(lanes), rows, seconds)
        hand.forget([lane for lane in lanes if lane.done])
        for work in works:
            self._settle(hand, work)

    def _apart(self, hand: _Hand, engine: Engine, lanes: Sequence[Lane]) -> None:
        """One step for each lane alone, so that only those fail that cannot take it."""
        for lane in lanes:
            if lane in engine.lanes:
                engine.remove(lane)
            alone = Engine(engine.network, engine.batching)
            alone.add(lane)
            try:
                alone.tick()
            except Exception as error:
                self._fail(hand.owners[lane].order.id, error)
            else:
                if not lane.done:
                    engine.add(lane)

    def _settle(self, hand: _Hand, work: _Work) -> None:
        """Say how far an order is, and hand it on when it is finished."""
        with work.lock:
            if work.over:
                return
            self._listener.advanced(work.order, JobProgress(work.run.done, work.run.total))
            self._show(work)
            try:
                for lane in work.run.settle():  # another attempt of a picture whose check asks for one
                    hand.add(lane, work, self._width)
                if any(not lane.done for lane in work.run.lanes):
                    return
                result = work.run.result()
            except Exception as error:
                self._fail(work.order.id, error)
                return
            if self._end(work.order.id) is not None:
                self._listener.made(work.order, result)

    def _show(self, work: _Work) -> None:
        """Show pictures on their way: those for which one of the moments has come, or the first where
        somebody asks."""
        asked, parts = self._desk.asked_to_show(work.order.id), work.order.previews + 1
        for index, lane in enumerate(work.run.lanes):
            done, total = lane.progress
            fresh = done not in (0, total, work.shown.get(index))
            if fresh and (asked or done * parts // total > (done - 1) * parts // total):
                work.shown[index] = done
                image = work.run.preview(lane)
                assert image is not None  # a step was taken
                self._listener.seen(work.order, index, JobProgress(done, total), image)
                asked = False

    def _fail(self, id: str, error: Exception) -> None:
        order = self._end(id)
        if order is not None:
            self._listener.failed(order, error)

    def _end(self, id: str) -> Order | None:
        """Strike an order off; its lanes leave before their next step. None where it has ended already."""
        with self._admission:
            work = self._works.pop(id, None)
            if work is not None:
                work.over = True
            return self._desk.end(id)

    def _measure(self, pace: float) -> None:
        """Keep the pace, in evaluations a second, smoothed over some twenty steps."""
        self._rate = pace if not self._rate else 0.95 * self._rate + 0.05 * pace
