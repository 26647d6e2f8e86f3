"""The log of jobs: one line of JSON for each; the texts of prompts only if the operator asks for them."""

import json
import logging
from typing import Any, final

from negspace.serve.jobs.events import Finished
from negspace.serve.jobs.job import AcceptedJob
from negspace.serve.observe.metrics import Meter
from negspace.serve.refusal import Refusal

log = logging.getLogger("negspace.job_log")


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


def log_as_json_lines() -> None:
    """Write the whole log of this process to standard error as lines of JSON."""
    handler = logging.StreamHandler()
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
