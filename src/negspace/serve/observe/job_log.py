"""Journal: what became of each job, as one structured line; texts of prompts only where the operator asks."""

import json
import logging
from typing import Any, final

from negspace.serve.jobs.events import Finished
from negspace.serve.jobs.job import Order
from negspace.serve.observe.metrics import Meter
from negspace.serve.refusal import Refusal

log = logging.getLogger("negspace.journal")


@final
class JsonLogFormatter(logging.Formatter):
    """A line of JSON a record: time, level, logger, message, and what was given as `extra={"fields": …}`."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{record.msecs:03.0f}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def write_lines() -> None:
    """Have everything that this process logs written to standard error as lines of JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLogFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


@final
class JobLog(Meter):
    """Writes a line when a job ends.

    Args:
        prompts: whether texts of prompts and of what is avoided stand in it.
    """

    def __init__(self, prompts: bool) -> None:
        self._prompts = prompts

    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        """Steps leave no line."""

    def finished(self, order: Order, finished: Finished) -> None:
        receipt = finished.receipt
        fields = {
            "seconds": round(finished.seconds, 3),
            "pictures": len(receipt.images),
            "evaluations": sum(receipt.evaluations.values()),
            "negative_acted": receipt.negative_acted,
        }
        log.info("done", extra={"fields": self._of(order) | fields})

    def failed(self, order: Order, why: Refusal) -> None:
        fields = {"status": why.status, "code": why.code}
        log.info("failed", extra={"fields": self._of(order) | fields})

    def _of(self, order: Order) -> dict[str, Any]:
        said = {"prompt": order.plan.positive, "negative": order.plan.negative} if self._prompts else {}
        return {"job": order.id, "tenant": order.tenant.name, "model": order.carried.model, **said}
