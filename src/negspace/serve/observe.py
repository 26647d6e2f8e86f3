"""What operators observe: metrics for Prometheus, traces of OpenTelemetry, and the log of jobs."""

import json
import logging
import time
from abc import ABC, abstractmethod
from functools import partial
from typing import Any, final

from opentelemetry.trace import Span, Status, StatusCode, Tracer, get_tracer
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from negspace import __version__
from negspace.serve.jobs.job import AcceptedJob, Finished
from negspace.serve.refusal import BROKEN, Refusal

log = logging.getLogger("negspace.job_log")

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
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry)
        self._ready = gauge("negspace_ready", "1 while requests are accepted")
        self._waiting = gauge("negspace_waiting_pictures", "pictures waiting")
        batches = partial(histogram, buckets=_BATCH)
        self._lanes = batches("negspace_batch_pictures", "pictures that took a step together")
        self._rows = batches("negspace_batch_rows", "rows that took a step together")
        self._step = histogram("negspace_step_seconds", "duration of a shared step")
        self._evaluations = counter("negspace_evaluations", "network passes, by branch", ["branch"])
        saved = "network passes saved, compared with two branches at every step"
        self._saved = counter("negspace_evaluations_saved", saved)
        self._pictures = counter("negspace_pictures", "finished pictures", ["model"])
        self._inert = counter("negspace_inert_negatives", "pictures whose negative did nothing")
        checks = "verdicts of judges on avoided terms, by whom the term is from: a policy or the user"
        self._verdicts = counter("negspace_checks", checks, ["verdict", "source"])
        self._withheld = counter("negspace_pictures_withheld", "pictures withheld by a check", ["tenant"])
        self._broken = counter("negspace_pictures_broken", "pictures that ended infinite or as no number")
        self._jobs = counter("negspace_jobs", "ended jobs, by how they ended", ["end"])
        self._by_tenant = counter("negspace_tenant_jobs", "ended jobs, by tenant", ["tenant", "end"])
        spent = "network passes, by tenant"
        self._spent = counter("negspace_tenant_evaluations", spent, ["tenant"])
        latency = "seconds from acceptance to the end"
        self._latency = histogram("negspace_job_seconds", latency, buckets=_SECONDS)

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
        two_branches = 2 * receipt.steps_taken * len(receipt.images)
        self._saved.inc(max(0, two_branches - sum(receipt.evaluations.values())))
        self._pictures.labels(receipt.model.name).inc(len(receipt.images))
        if receipt.terms and not receipt.negative_acted:
            self._inert.inc(len(receipt.images))
        sources = {term.concept: term.source for term in receipt.terms}
        for image in (*receipt.images, *receipt.withheld):
            for verdict in image.final_verdicts:
                self._verdicts.labels(verdict.verdict, sources.get(verdict.concept, "user")).inc()
        self._withheld.labels(job.tenant.name).inc(len(receipt.withheld))
        self._broken.inc(sum(finding.code == "broken" for finding in receipt.findings))
        self._spent.labels(job.tenant.name).inc(sum(receipt.evaluations.values()))
        self._ended(job, "done")
        self._latency.observe(finished.seconds)

    def failed(self, job: AcceptedJob, refusal: Refusal) -> None:
        self._ended(job, refusal.code)
        if refusal.code == BROKEN:
            self._broken.inc(job.request.n)

    def _ended(self, job: AcceptedJob, end: str) -> None:
        self._jobs.labels(end).inc()
        self._by_tenant.labels(job.tenant.name, end).inc()


@final
class Traces(Meter):
    """Writes a span for every job, from its acceptance to its end. Without an SDK it costs nothing.

    Args:
        tracer: None is the one of the process.
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer or get_tracer("negspace.serve", __version__)

    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        """Steps are shared by jobs, so they belong to no single span."""

    def finished(self, job: AcceptedJob, finished: Finished) -> None:
        span = self._start_span(job)
        span.set_attribute("negspace.evaluations", sum(finished.receipt.evaluations.values()))
        span.set_attribute("negspace.negative_acted", finished.receipt.negative_acted)
        span.end(time.time_ns())

    def failed(self, job: AcceptedJob, refusal: Refusal) -> None:
        span = self._start_span(job)
        span.set_attribute("negspace.code", refusal.code)
        span.set_status(Status(StatusCode.ERROR, refusal.code))
        span.end(time.time_ns())

    def _start_span(self, job: AcceptedJob) -> Span:
        attributes = {
            "negspace.job": job.id,
            "negspace.tenant": job.tenant.name,
            "negspace.model": job.model,
            "negspace.pictures": job.request.n,
            "negspace.steps": job.plan.steps,
        }
        start = int(job.accepted_at * 10**9)  # nanoseconds
        return self._tracer.start_span("negspace.job", attributes=attributes, start_time=start)


@final
class JsonLogFormatter(logging.Formatter):
    """One line of JSON for a record: time, level, logger, message, and its `extra={"fields": …}`."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{record.msecs:03.0f}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)


@final
class RepeatedLines(logging.Filter):
    """Lets few records of one message through in a while, so that strangers cannot fill the disk.

    The next one after that says how many were left out. What differs in its fields is one message too.

    Args:
        most: records of a message that are let through in `seconds`.
        seconds: the while.
    """

    def __init__(self, most: int = 100, seconds: float = 10.0) -> None:
        super().__init__()
        self._most = most
        self._seconds = seconds
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.name, str(record.msg)
        began, count = self._counts.get(message, (record.created, 0))
        if record.created - began >= self._seconds:
            if count > self._most:
                record.fields = {**getattr(record, "fields", {}), "left_out": count - self._most}
            began, count = record.created, 0
        self._counts[message] = began, count + 1
        return count < self._most


def log_as_json_lines() -> None:
    """Write the whole log of this process to standard error as lines of JSON."""
    handler = logging.StreamHandler()
    handler.addFilter(RepeatedLines())
    handler.setFormatter(JsonLogFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


@final
class JobLog(Meter):
    """Logs a line when a job ends.

    Args:
        prompts: whether it contains the texts of prompts and negatives.
    """

    def __init__(self, prompts: bool) -> None:
        self._prompts = prompts

    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        """Steps are not logged."""

    def finished(self, job: AcceptedJob, finished: Finished) -> None:
        receipt = finished.receipt
        fields = {
            "seconds": round(finished.seconds, 3),
            "pictures": len(receipt.images),
            "evaluations": sum(receipt.evaluations.values()),
            "negative_acted": receipt.negative_acted,
        }
        log.info("done", extra={"fields": self._fields(job) | fields})

    def failed(self, job: AcceptedJob, refusal: Refusal) -> None:
        fields = {"status": refusal.status, "code": refusal.code}
        log.info("failed", extra={"fields": self._fields(job) | fields})

    def _fields(self, job: AcceptedJob) -> dict[str, Any]:
        texts = {"prompt": job.plan.positive, "negative": job.plan.negative} if self._prompts else {}
        return {"job": job.id, "tenant": job.tenant.name, "model": job.model, **texts}
