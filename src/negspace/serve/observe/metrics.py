"""Metrics: what happens, counted for Prometheus."""

from abc import ABC, abstractmethod
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from negspace.serve.jobs.events import Finished
from negspace.serve.jobs.job import Order
from negspace.serve.refusal import Refusal

_BATCH = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 128)
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250)


class Meter(ABC):
    """Hears what happens. Called by any thread."""

    @abstractmethod
    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        """So many pictures took a step together, with so many rows."""

    @abstractmethod
    def finished(self, order: Order, finished: Finished) -> None:
        """A job came to its end."""

    @abstractmethod
    def failed(self, order: Order, why: Refusal) -> None:
        """A job ended without pictures."""


@final
class Metrics(Meter):
    """All counters of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._ready = Gauge("negspace_ready", "1 while requests are taken", registry=registry)
        self._waiting = Gauge("negspace_waiting_pictures", "pictures that wait", registry=registry)
        self._lanes = Histogram(
            "negspace_batch_pictures", "pictures that took a step together", registry=registry, buckets=_BATCH
        )
        self._rows = Histogram(
            "negspace_batch_rows", "rows that took a step together", registry=registry, buckets=_BATCH
        )
        self._step = Histogram("negspace_step_seconds", "time of a step of all", registry=registry)
        self._evaluations = Counter(
            "negspace_evaluations", "network passes, by branch", ["branch"], registry=registry
        )
        self._saved = Counter(
            "negspace_evaluations_saved",
            "network passes that two branches at every step would have taken beyond those that were made",
            registry=registry,
        )
        self._pictures = Counter("negspace_pictures", "finished pictures", ["model"], registry=registry)
        self._inert = Counter(
            "negspace_inert_negatives",
            "pictures whose negative was asked for and did nothing",
            registry=registry,
        )
        self._verdicts = Counter(
            "negspace_checks", "what was seen of what was avoided, by verdict", ["verdict"], registry=registry
        )
        self._withheld = Counter(
            "negspace_pictures_withheld", "pictures that a check keeps back", registry=registry
        )
        self._jobs = Counter("negspace_jobs", "jobs that ended, by how", ["end"], registry=registry)
        self._latency = Histogram(
            "negspace_job_seconds", "from acceptance to the end", registry=registry, buckets=_SECONDS
        )

    def text(self, *, ready: bool, waiting: int) -> bytes:
        """All of it in Prometheus's text format."""
        self._ready.set(ready)
        self._waiting.set(waiting)
        return generate_latest(self._registry)

    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        self._lanes.observe(lanes)
        self._rows.observe(rows)
        self._step.observe(seconds)

    def finished(self, order: Order, finished: Finished) -> None:
        receipt = finished.receipt
        for branch, count in receipt.evaluations.items():
            self._evaluations.labels(branch).inc(count)
        twice = 2 * receipt.steps * len(receipt.images)
        self._saved.inc(max(0, twice - sum(receipt.evaluations.values())))
        self._pictures.labels(receipt.model.name).inc(len(receipt.images))
        if receipt.terms and not receipt.negative_acted:
            self._inert.inc(len(receipt.images))
        for image in (*receipt.images, *receipt.withheld):
            for verdict in image.final_verdicts:
                self._verdicts.labels(verdict.verdict).inc()
        self._withheld.inc(len(receipt.withheld))
        self._jobs.labels("done").inc()
        self._latency.observe(finished.seconds)

    def failed(self, order: Order, why: Refusal) -> None:
        self._jobs.labels(why.code).inc()
