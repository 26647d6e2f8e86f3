"""What an operator reads: lines of JSON without prompts, and spans."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import NoOpTracer, Span, StatusCode

from negspace.errors import PictureError
from negspace.findings import Finding
from negspace.models.files.source import Source
from negspace.request import Request
from negspace.serve.access.tenants import LOCAL
from negspace.serve.catalogue import Catalogue
from negspace.serve.jobs.job import AcceptedJob, Finished
from negspace.serve.observe import JobLog, JsonLogFormatter, Metrics, Traces
from negspace.serve.refusal import refusal_of, too_busy
from negspace.serve.settings import ServerSettings
from tests.store.receipts import receipt


@pytest.fixture(scope="module")
def order(tiny_sd: Path) -> AcceptedJob:
    catalogue = Catalogue(ServerSettings(models={"tiny": Source(tiny_sd)}))
    asked = Request(prompt="a secret house", avoid="hidden hat")
    return AcceptedJob(asked, catalogue.plan(catalogue.resolved(asked, LOCAL), LOCAL), LOCAL)


@pytest.mark.parametrize("prompts", [False, True])
def test_a_line_says_what_became_of_a_job(
    order: AcceptedJob, prompts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    job_log = JobLog(prompts)
    with caplog.at_level(logging.INFO, "negspace.job_log"):
        job_log.finished(order, Finished(order.id, (), receipt(2), 1.23456))
        job_log.failed(order, too_busy("no room", 1))
    done, failed = (json.loads(JsonLogFormatter().format(record)) for record in caplog.records)
    assert done["message"] == "done" and done["job"] == order.id and done["model"] == "tiny"
    assert (done["seconds"], done["pictures"], done["evaluations"]) == (1.235, 2, 4)
    assert failed["message"] == "failed" and (failed["status"], failed["code"]) == (503, "busy")
    for told in (done, failed):
        assert ("secret" in json.dumps(told)) == ("hidden" in json.dumps(told)) == prompts


class Recording(NoOpTracer):
    """Writes down the spans that are begun."""

    def __init__(self) -> None:
        self.spans: list[RecordingSpan] = []

    def start_span(self, name: str, *_: object, **given: object) -> Span:
        self.spans.append(RecordingSpan(name, given))
        return self.spans[-1]


class RecordingSpan(Span):
    """A span that remembers what it was told."""

    def __init__(self, name: str, given: dict) -> None:
        self.name = name
        self.given = given
        self.told: dict[str, object] = {}
        self.status: Any = None
        self.ended = 0

    def set_attribute(self, key: str, value: object) -> None:
        self.told[key] = value

    def set_status(self, status: object, description: str | None = None) -> None:
        self.status = status

    def end(self, end_time: int | None = None) -> None:
        self.ended = end_time or 0

    def get_span_context(self): ...  # type: ignore[override]
    def set_attributes(self, attributes): ...  # type: ignore[override]
    def add_event(self, name, attributes=None, timestamp=None): ...  # type: ignore[override]
    def update_name(self, name): ...  # type: ignore[override]
    def is_recording(self): ...  # type: ignore[override]
    def record_exception(self, exception, attributes=None, timestamp=None, escaped=False): ...  # type: ignore[override]


def test_a_job_is_a_span(order: AcceptedJob) -> None:
    tracer = Recording()
    traces = Traces(tracer)
    traces.finished(order, Finished(order.id, (), receipt(), 1.0))
    traces.failed(order, too_busy("no room", 1))
    done, failed = tracer.spans
    assert done.name == "negspace.job" and done.told["negspace.evaluations"] == 2
    assert done.given["start_time"] == int(order.accepted_at * 10**9) <= done.ended
    assert failed.told["negspace.code"] == "busy" and failed.status.status_code is StatusCode.ERROR


def test_pictures_that_broke_are_counted_some_or_all_of_a_job(order: AcceptedJob) -> None:
    metrics, whole = Metrics(), receipt(2)
    told = (*whole.findings, Finding("broken", "picture 3: it is no number"))
    some = whole.model_copy(update={"findings": told})
    metrics.finished(order, Finished(order.id, (), some, 1.0))
    metrics.failed(
        replace(order, request=Request(prompt="a house", n=3)), refusal_of(PictureError("all of them"))
    )
    metrics.failed(order, too_busy("no room", 1))
    assert b"negspace_pictures_broken_total 4.0" in metrics.text(ready=True, waiting=0)
