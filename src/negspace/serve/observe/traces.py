"""Traces: each job is a span of OpenTelemetry. Without an SDK it costs nothing."""

import time
from typing import final

from opentelemetry.trace import Span, Status, StatusCode, Tracer, get_tracer

from negspace import __version__
from negspace.serve.jobs.events import Finished
from negspace.serve.jobs.job import Order
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

    def finished(self, order: Order, finished: Finished) -> None:
        span = self._start_span(order)
        span.set_attribute("negspace.evaluations", sum(finished.receipt.evaluations.values()))
        span.set_attribute("negspace.negative_acted", finished.receipt.negative_acted)
        span.end(time.time_ns())

    def failed(self, order: Order, refusal: Refusal) -> None:
        span = self._start_span(order)
        span.set_attribute("negspace.code", refusal.code)
        span.set_status(Status(StatusCode.ERROR, refusal.code))
        span.end(time.time_ns())

    def _start_span(self, order: Order) -> Span:
        attributes = {
            "negspace.job": order.id,
            "negspace.tenant": order.tenant.name,
            "negspace.model": order.model,
            "negspace.pictures": order.request.n,
            "negspace.steps": order.plan.steps,
        }
        start = int(order.accepted * _NANOSECONDS)
        return self._tracer.start_span("negspace.job", attributes=attributes, start_time=start)
