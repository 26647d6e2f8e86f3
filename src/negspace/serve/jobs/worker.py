"""The threads that make the pictures. Lanes of many jobs share forwards and join or leave between steps."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

import torch
from PIL import Image

from negspace.engine import Batching, Engine
from negspace.generate import Model, Result, Run
from negspace.models.base import Network
from negspace.run.run import Driver
from negspace.serve.jobs.job import AcceptedJob, JobProgress
from negspace.serve.jobs.loaded_models import LoadedModels
from negspace.serve.jobs.scheduler import JobScheduler
from negspace.store.clock import now

log = logging.getLogger(__name__)


class JobListener(ABC):
    """Is told, in the threads of the worker, what becomes of jobs."""

    @abstractmethod
    def advanced(self, job: AcceptedJob, progress: JobProgress) -> None:
        """Steps were taken for a job."""

    @abstractmethod
    def previewed(self, job: AcceptedJob, index: int, progress: JobProgress, image: Image.Image) -> None:
        """A preview of a picture of a job under way."""

    @abstractmethod
    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        """That many pictures took a step together, with that many rows."""

    @abstractmethod
    def finished(self, job: AcceptedJob, result: Result) -> None:
        """A job is finished."""

    @abstractmethod
    def failed(self, job: AcceptedJob, error: Exception) -> None:
        """A job ended without pictures."""


@dataclass(eq=False)
class _RunningJob:
    """A job under way, maybe in several threads; the one that decides about its pictures holds the lock.

    `previewed` has by picture the last step of which a preview was sent. Lanes of a job that has ended leave.
    """

    job: AcceptedJob
    run: Run
    previewed: dict[int, int] = field(default_factory=dict)
    ended: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(eq=False)
class _ThreadState:
    """What one thread drives: a driver for each network, and the jobs with lanes in them, by their runs."""

    drivers: dict[Network, Driver] = field(default_factory=dict)
    jobs: dict[Run, _RunningJob] = field(default_factory=dict)

    @property
    def lanes(self) -> int:
        """How many lanes are under way. Other threads may ask."""
        return sum(len(driver.engine.lanes) for driver in tuple(self.drivers.values()))

    def add(self, running: _RunningJob, picture: int, batching: Batching) -> None:
        """Let a picture of a job take part from the next step on."""
        run = running.run
        if run.network not in self.drivers:
            self.drivers[run.network] = Driver(Engine(run.network, batching))
        self.drivers[run.network].add(run, [run.lanes[picture]])
        self.jobs[run] = running

    def forget_ended(self) -> None:
        """Lanes of jobs that have ended leave; then jobs and drivers without lanes do."""
        for driver in self.drivers.values():
            for run in driver.runs:
                if self.jobs[run].ended:
                    driver.remove(run)
        self.drivers = {network: driver for network, driver in self.drivers.items() if driver.runs}
        left = {run for driver in self.drivers.values() for run in driver.runs}
        self.jobs = {run: running for run, running in self.jobs.items() if run in left}


@final
class Worker:
    """Runs the plans of jobs in threads of its own, as many as the batching drives engines with.

    Args:
        scheduler: says which picture begins next.
        open: reads a model by name.
        batching: rows of a forward.
        lanes: pictures under way at once.
        resident: models kept in memory.
        listener: is told what becomes of jobs.
    """

    def __init__(
        self,
        scheduler: JobScheduler,
        open: Callable[[str], Model],
        *,
        batching: Batching,
        lanes: int,
        resident: int,
        listener: JobListener,
    ) -> None:
        self._scheduler = scheduler
        self._batching = batching
        self._lanes = lanes
        self._listener = listener
        self._models = LoadedModels(open, resident, scheduler.wake)
        self._admission = threading.RLock()
        self._waiting_for_model: list[tuple[AcceptedJob, int]] = []
        self._running: dict[str, _RunningJob] = {}
        self._states = [_ThreadState() for _ in range(batching.workers)]
        self._rate = 0.0
        self._threads = [
            threading.Thread(target=self._work, args=(state,), name="negspace worker", daemon=True)
            for state in self._states
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, grace: float) -> None:
        """Stop once nothing is under way and nothing waits, or after `grace` seconds."""
        self._scheduler.close(grace)
        for thread in self._threads:
            thread.join()

    def seconds_for(self, evaluations: float) -> float:
        """How long that many evaluations take at the present pace, about; 1 before anything was measured."""
        return evaluations / self._rate if self._rate else 1.0

    # What follows runs in the worker's threads.

    def _work(self, state: _ThreadState) -> None:
        changes: int | None = 0
        while (changes := self._scheduler.wait(changes, state.lanes > 0)) is not None:
            try:
                self._take_turn(state)
            except Exception as error:  # a fault of ours ends the jobs of this thread, not the thread
                log.exception("a step could not be taken; its jobs end")
                for running in tuple(state.jobs.values()):
                    self._fail(running.job.id, error)
                state.forget_ended()

    def _take_turn(self, state: _ThreadState) -> None:
        """One step of every lane of a thread, after jobs have left and joined."""
        for id, refusal in self._scheduler.stopped(now()).items():
            self._fail(id, refusal)
        state.forget_ended()
        self._admit(state)
        for driver in tuple(state.drivers.values()):
            self._tick(state, driver)
        state.forget_ended()

    def _admit(self, state: _ThreadState) -> None:
        """Let pictures begin while there are places, in the thread that has fewest."""
        with self._admission:
            waiting, self._waiting_for_model = self._waiting_for_model, []
            for job, picture in waiting:
                self._begin(state, job, picture)
            while self._has_place(state) and (taken := self._scheduler.take()) is not None:
                self._begin(state, *taken)

    def _has_place(self, state: _ThreadState) -> bool:
        lanes = [of_thread.lanes for of_thread in self._states]
        return sum(lanes) + len(self._waiting_for_model) < self._lanes and state.lanes == min(lanes)

    def _begin(self, state: _ThreadState, job: AcceptedJob, picture: int) -> None:
        if not self._scheduler.has(job.id):  # it has ended since
            return
        try:
            running = self._running.get(job.id) or self._open_run(job)
        except Exception as error:
            self._fail(job.id, error)
            return
        if running is None:
            self._waiting_for_model.append((job, picture))
        else:
            state.add(running, picture, self._batching)

    def _open_run(self, job: AcceptedJob) -> _RunningJob | None:
        """The job's pictures, ready to begin; None while its model is not loaded."""
        model = self._models.get(job.model, {running.job.model for running in self._running.values()})
        if model is None:
            return None
        self._running[job.id] = running = _RunningJob(job, model.run(job.plan))
        return running

    def _tick(self, state: _ThreadState, driver: Driver) -> None:
        engine, busy = driver.engine, sum(other.lanes > 0 for other in self._states)
        engine.batching = self._batching.shared_by(busy)
        torch.set_num_threads(engine.batching.torch_threads)
        jobs = [state.jobs[run] for run in driver.runs]
        lanes, before, began = len(engine.lanes), engine.evaluations, time.perf_counter()
        try:
            driver.tick()
        except Exception as error:
            log.warning("a step failed (%s); its pictures take it one by one", error)
            self._tick_one_by_one(state, driver)
        else:
            rows, seconds = engine.evaluations - before, time.perf_counter() - began
            self._measure(busy * rows / max(seconds, 1e-6))
            self._listener.stepped(lanes, rows, seconds)
        for running in jobs:
            self._settle(driver, running)

    def _tick_one_by_one(self, state: _ThreadState, driver: Driver) -> None:
        """One step of each lane alone, so that only those jobs fail that cannot take it."""
        for lane in driver.engine.lanes:
            try:
                driver.tick_alone(lane)
            except Exception as error:
                self._fail(state.jobs[driver.owner(lane)].job.id, error)

    def _settle(self, driver: Driver, running: _RunningJob) -> None:
        """Report the progress of a job, and its result when it is finished."""
        job, run = running.job, running.run
        with running.lock:
            if running.ended:
                return
            self._listener.advanced(job, JobProgress(run.done, run.total))
            self._send_previews(running)
            try:
                if not driver.settle(run):
                    return
                result = run.result()
            except Exception as error:
                self._fail(job.id, error)
                return
            if self._end(job.id) is not None:
                self._listener.finished(job, result)

    def _send_previews(self, running: _RunningJob) -> None:
        """Preview the pictures for which one of the moments has come, or the first where a client asks."""
        job, run = running.job, running.run
        requested, parts = self._scheduler.take_preview_request(job.id), job.previews + 1
        for picture, lane in enumerate(run.lanes):
            done, total = lane.progress
            fresh = done not in (0, total, running.previewed.get(picture))
            if fresh and (requested or done * parts // total > (done - 1) * parts // total):
                running.previewed[picture] = done
                image = run.preview(lane)
                if image is not None:
                    self._listener.previewed(job, picture, JobProgress(done, total), image)
                    requested = False

    def _fail(self, id: str, error: Exception) -> None:
        job = self._end(id)
        if job is not None:
            self._listener.failed(job, error)

    def _end(self, id: str) -> AcceptedJob | None:
        """End a job; its lanes leave before their next step. None where it has ended already."""
        with self._admission:
            running = self._running.pop(id, None)
            if running is not None:
                running.ended = True
            return self._scheduler.end(id)

    def _measure(self, pace: float) -> None:
        """Keep the pace, in evaluations a second, smoothed over some twenty steps."""
        self._rate = pace if not self._rate else 0.95 * self._rate + 0.05 * pace
