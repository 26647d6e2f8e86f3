"""Traces: each job is a span of OpenTelemetry. Without an SDK it costs nothing."""

import time
from typing import final

from opentelemetry.trace import Span, Status, StatusCode, Tracer, get_tracer

from negspace import __version__
from negspace.serve.jobs.events import Finished
from negspace.serve.jobs.job import AcceptedJob
from negspace.serve.observe.metrics import Meter
from negspace.serve.refusal import Refusal

_NANOSECONDS = 10**9


@final
class Traces(Meter):
    """Writes a span for every job, from its acceptance to its end.

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
        start = int(job.accepted_at * _NANOSECONDS)
        return self._tracer.start_span("negspace.job", attributes=attributes, start_time=start)
