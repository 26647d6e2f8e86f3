"""The worker: unlike requests share forwards and come out as alone; none holds up or spoils another."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import negspace as ns
from negspace.engine import BatchesPerCore, Batching, FixedBatches
from negspace.errors import ModelError
from negspace.generate import Model, Result
from negspace.models.files.source import Source
from negspace.request import Request
from negspace.serve.access.tenants import LOCAL
from negspace.serve.catalogue import Catalogue
from negspace.serve.jobs.job import AcceptedJob, JobProgress
from negspace.serve.jobs.queue import Queue, Ticket
from negspace.serve.jobs.scheduler import JobScheduler
from negspace.serve.jobs.worker import JobListener, Worker
from negspace.serve.refusal import Refusal
from negspace.serve.settings import ServerSettings
from tests.pictures import gradient, half, text

UNLIKE: tuple[dict[str, Any], ...] = (
    {"prompt": "a red house", "avoid": "blurry", "steps": 3},
    {"prompt": "a cat in the snow", "avoid": "hat, collar", "steps": 6, "scale": 2.0, "seed": 9},
    {"prompt": "a tree", "avoid": None, "steps": 4, "scale": 1.0},
    {"prompt": "a boat", "avoid": "smoke", "rule": "perp_neg", "steps": 5, "n": 2},
    {"prompt": "a boat", "avoid": "smoke", "rule": "rescale(cfg, phi=0.5)", "sampler": "Euler a", "steps": 5},
    {"prompt": "a house [red:blue:0.5]", "avoid": "", "sampler": "DDIM", "steps": 7},
)


@dataclass(eq=False)
class Heard(JobListener):
    """Writes down what it hears."""

    results: dict[str, Result] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)
    progress: dict[str, list[JobProgress]] = field(default_factory=dict)
    previews: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    looks: list[Image.Image] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    news: threading.Event = field(default_factory=threading.Event)

    def advanced(self, job: AcceptedJob, progress: JobProgress) -> None:
        self.progress.setdefault(job.id, []).append(progress)
        self.news.set()

    def previewed(self, job: AcceptedJob, index: int, progress: JobProgress, image: Image.Image) -> None:
        assert image.size == (64, 64) and image.mode == "RGB"
        self.looks.append(image)
        self.previews.setdefault(job.id, []).append((index, progress.done))

    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        self.batches.append(lanes)

    def finished(self, job: AcceptedJob, result: Result) -> None:
        self.results[job.id] = result
        self.news.set()

    def failed(self, job: AcceptedJob, error: Exception) -> None:
        self.failures[job.id] = error
        self.news.set()

    def wait_for(self, *ids: str) -> None:
        began = time.monotonic()
        while not all(id in self.results or id in self.failures for id in ids):
            assert time.monotonic() - began < 120
            self.news.wait(1)
            self.news.clear()


@dataclass(frozen=True)
class Bench:
    """A worker with what is around it."""

    desk: JobScheduler
    worker: Worker
    batching: Batching
    heard: Heard
    catalogue: Catalogue

    @property
    def tolerance(self) -> float:
        """How far latents may be from those of the picture alone."""
        return 0.0 if isinstance(self.batching, FixedBatches) else 1e-4

    def enter(self, how: dict[str, Any] | None = None, **fields: Any) -> str:
        asked = Request.from_dict(fields)
        plan = self.catalogue.plan(self.catalogue.resolved(asked, LOCAL), LOCAL)
        order = AcceptedJob(asked, plan, LOCAL, **(how or {}))
        self.desk.add(order, Ticket(order.id, "one", pictures=asked.n, cost=2.0 * order.plan.steps))
        return order.id


@pytest.fixture(scope="module")
def models(tiny_sd: Path) -> dict[str, Model]:
    return {name: ns.load(tiny_sd, dtype="float32", batching=FixedBatches(2)) for name in ("tiny", "other")}


@pytest.fixture(params=[FixedBatches(2), BatchesPerCore(4)], ids=["one hand", "three hands"])
def bench(
    request: pytest.FixtureRequest, tiny_sd: Path, models: dict[str, Model], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    monkeypatch.setattr("negspace.engine.per_core.CORES", 3)
    batching: Batching = request.param

    def open(name: str) -> Model:
        if name == "broken":
            raise ModelError("its weights cannot be read")
        return models[name]

    heard = Heard()
    places = {name: Source(str(tiny_sd)) for name in ("tiny", "other", "broken")}
    catalogue = Catalogue(ServerSettings(models=places))
    desk = JobScheduler(Queue(100))
    worker = Worker(desk, open, batching=batching, lanes=4, resident=1, listener=heard)
    yield Bench(desk, worker, batching, heard, catalogue)
    worker.stop(0)


def test_unlike_requests_share_forwards_and_come_out_as_alone(bench: Bench, models: dict[str, Model]) -> None:
    ids = [bench.enter(**fields) for fields in UNLIKE]
    bench.worker.start()
    bench.heard.wait_for(*ids)
    assert not bench.heard.failures
    tiny = models["tiny"]
    for id, fields in zip(ids, UNLIKE, strict=True):
        alone, made = tiny.run(tiny.plan(Request.from_dict(fields))).result(), bench.heard.results[id]
        torch.testing.assert_close(made.latents, alone.latents, atol=bench.tolerance, rtol=bench.tolerance)
        assert made.receipt.evaluations == alone.receipt.evaluations
        last = bench.heard.progress[id][-1]
        assert last.done == last.total
    assert max(bench.heard.batches) == -(-4 // bench.batching.workers)  # 4 places, shared out evenly


def test_who_is_cancelled_takes_no_further_step(bench: Bench) -> None:
    long, short = bench.enter(prompt="a house", steps=150), bench.enter(prompt="a cat", steps=20)
    bench.worker.start()
    while not bench.heard.progress.get(long):
        time.sleep(0.005)
    bench.desk.cancel(long)
    at = len(bench.heard.progress[long])
    bench.heard.wait_for(long)
    assert len(bench.heard.progress[long]) <= at + 2  # the step under way, and one that was just beginning
    gone = bench.heard.failures[long]
    assert isinstance(gone, Refusal) and gone.code == "cancelled"
    bench.heard.wait_for(short)
    assert short in bench.heard.results


def test_who_waits_can_be_cancelled_too(bench: Bench) -> None:
    id = bench.enter(prompt="a house", n=3)
    bench.desk.cancel(id)
    bench.worker.start()
    bench.heard.wait_for(id)
    assert id in bench.heard.failures and id not in bench.heard.progress


def test_a_deadline_ends_what_is_under_way(bench: Bench) -> None:
    id = bench.enter({"deadline": time.time() + 0.3}, prompt="a house", steps=500)
    bench.worker.start()
    bench.heard.wait_for(id)
    late = bench.heard.failures[id]
    assert isinstance(late, Refusal) and (late.status, late.code) == (408, "deadline")


def test_a_picture_that_cannot_go_on_spoils_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from negspace.guidance.rules.perp_neg import PerpNeg

    def broken(*_: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(PerpNeg, "combine", broken)
    good, bad = bench.enter(**UNLIKE[0]), bench.enter(**UNLIKE[3])
    bench.worker.start()
    bench.heard.wait_for(good, bad)
    assert good in bench.heard.results and "out of luck" in str(bench.heard.failures[bad])


def test_a_fault_of_the_worker_ends_orders_and_not_the_worker(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of luck")

    with monkeypatch.context() as for_now:
        for_now.setattr(Heard, "stepped", broken)
        bad = bench.enter(**UNLIKE[0])
        bench.worker.start()
        bench.heard.wait_for(bad)
    good = bench.enter(**UNLIKE[1])
    bench.heard.wait_for(good)
    assert "out of luck" in str(bench.heard.failures[bad]) and good in bench.heard.results
    assert "its jobs end" in caplog.text


def test_models_take_turns_in_memory(bench: Bench) -> None:
    ids = [bench.enter(prompt="a cat", model=name, steps=2) for name in ("tiny", "other", "tiny", "broken")]
    bench.worker.start()
    bench.heard.wait_for(*ids)
    assert [id in bench.heard.results for id in ids] == [True, True, True, False]
    assert isinstance(bench.heard.failures[ids[3]], ModelError)


def test_previews_come_as_often_as_asked(bench: Bench) -> None:
    id = bench.enter({"previews": 3}, prompt="a cat", steps=8, n=2, sampler="Euler")
    bench.worker.start()
    bench.heard.wait_for(id)
    assert sorted(bench.heard.previews[id]) == [(index, done) for index in (0, 1) for done in (2, 4, 6)]


def test_a_preview_of_an_edit_has_every_pixel_that_is_kept(bench: Bench) -> None:
    start = {"picture": text(gradient()), "mask": text(half()), "strength": 1.0}
    id = bench.enter({"previews": 2}, prompt="a cat", steps=6, start=start)
    bench.worker.start()
    bench.heard.wait_for(id)
    assert len(bench.heard.looks) == 2
    for look in bench.heard.looks:
        assert look.crop((0, 0, 32, 64)).tobytes() == gradient().crop((0, 0, 32, 64)).tobytes()
        assert look.crop((32, 0, 64, 64)).tobytes() != gradient().crop((32, 0, 64, 64)).tobytes()


def test_a_picture_is_shown_when_somebody_asks(bench: Bench) -> None:
    id = bench.enter(prompt="a cat", steps=150, n=2)
    bench.worker.start()
    while not bench.heard.progress.get(id):
        time.sleep(0.005)
    bench.desk.request_preview(id)
    while not bench.heard.previews.get(id):
        time.sleep(0.005)
    bench.desk.cancel(id)
    bench.heard.wait_for(id)
    ((index, done),) = bench.heard.previews[id]
    assert index == 0 and 0 < done < 150
