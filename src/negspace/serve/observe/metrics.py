"""Metrics for Prometheus, and the interface of everything that observes jobs."""

from abc import ABC, abstractmethod
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from negspace.serve.jobs.events import Finished
from negspace.serve.jobs.job import AcceptedJob
from negspace.serve.refusal import Refusal

_BATCH = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 128)
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250)


class Meter(ABC):
    """Observes jobs: counts them, logs them or traces them. Called by any thread."""

    @abstractmethod
    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        """A step was taken for `lanes` pictures together, in forwards of `rows` rows."""

    @abstractmethod
    def finished(self, job: AcceptedJob, finished: Finished) -> None:
        """A job ended with its pictures."""

    @abstractmethod
    def failed(self, job: AcceptedJob, refusal: Refusal) -> None:
        """A job ended without pictures."""


@final
class Metrics(Meter):
    """All metrics of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._ready = Gauge("negspace_ready", "1 while requests are accepted", registry=registry)
        self._waiting = Gauge("negspace_waiting_pictures", "pictures waiting", registry=registry)
        self._lanes = Histogram(
            "negspace_batch_pictures", "pictures that took a step together", registry=registry, buckets=_BATCH
        )
        self._rows = Histogram(
            "negspace_batch_rows", "rows that took a step together", registry=registry, buckets=_BATCH
        )
        self._step = Histogram("negspace_step_seconds", "duration of a shared step", registry=registry)
        self._evaluations = Counter(
            "negspace_evaluations", "network passes, by branch", ["branch"], registry=registry
        )
        self._saved = Counter(
            "negspace_evaluations_saved",
            "network passes saved, compared with two branches at every step",
            registry=registry,
        )
        self._pictures = Counter("negspace_pictures", "finished pictures", ["model"], registry=registry)
        self._inert = Counter(
            "negspace_inert_negatives",
            "pictures whose negative did nothing",
            registry=registry,
        )
        self._verdicts = Counter(
            "negspace_checks", "verdicts of judges on avoided terms", ["verdict"], registry=registry
        )
        self._withheld = Counter(
            "negspace_pictures_withheld", "pictures withheld by a check", registry=registry
        )
        self._jobs = Counter("negspace_jobs", "ended jobs, by how they ended", ["end"], registry=registry)
        self._latency = Histogram(
            "negspace_job_seconds", "seconds from acceptance to the end", registry=registry, buckets=_SECONDS
        )

    def text(self, *, ready: bool, waiting: int) -> bytes:
        """All metrics in Prometheus's text format."""
        self._ready.set(ready)
        self._waiting.set(waiting)
        return generate_latest(self._registry)

    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        self._lanes.observe(lanes)
        self._rows.observe(rows)
        self._step.observe(seconds)

    def finished(self, job: AcceptedJob, finished: Finished) -> None:
        receipt = finished.receipt
        for branch, count in receipt.evaluations.items():
            self._evaluations.labels(branch).inc(count)
        two_branches = 2 * receipt.steps * len(receipt.images)
        self._saved.inc(max(0, two_branches - sum(receipt.evaluations.values())))
        self._pictures.labels(receipt.model.name).inc(len(receipt.images))
        if receipt.terms and not receipt.negative_acted:
            self._inert.inc(len(receipt.images))
        for image in (*receipt.images, *receipt.withheld):
            for verdict in image.final_verdicts:
                self._verdicts.labels(verdict.verdict).inc()
        self._withheld.inc(len(receipt.withheld))
        self._jobs.labels("done").inc()
        self._latency.observe(finished.seconds)

    def failed(self, job: AcceptedJob, refusal: Refusal) -> None:
        self._jobs.labels(refusal.code).inc()
