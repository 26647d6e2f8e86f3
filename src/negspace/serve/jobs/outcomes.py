"""Results and failures of the worker become files, receipts and events, in a thread of their own."""

import io
import json
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import final

from PIL import Image
from sqlalchemy.exc import InterfaceError, OperationalError

from negspace import png
from negspace.errors import OutputError
from negspace.generate import Result
from negspace.serve.catalogue import Catalogue
from negspace.serve.jobs.job import (
    AcceptedJob,
    Done,
    Event,
    Failed,
    Finished,
    JobPicture,
    JobProgress,
    Preview,
    picture_id,
)
from negspace.serve.jobs.worker import JobListener
from negspace.serve.observe import Meter
from negspace.serve.refusal import Refusal, refusal_of
from negspace.store import Store
from negspace.store.clock import now

log = logging.getLogger(__name__)

_RETRY = 2.0
"""Seconds between attempts to store something."""


@final
class Outcomes(JobListener):
    """Stores what becomes of a job before its event is sent.

    Args:
        store: of requests and pictures.
        catalogue: makes receipts ready for clients.
        meters: count, log, trace.
        send: sends an event of a job to its readers; called by any thread.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        meters: Sequence[Meter],
        send: Callable[[str, Event], None],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._meters = tuple(meters)
        self._send = send
        self._closing = threading.Event()
        self._executor = ThreadPoolExecutor(1, "outcomes")

    def close(self) -> None:
        """Wait until everything is stored that can be stored now."""
        self._closing.set()
        self._executor.shutdown()

    def advanced(self, job: AcceptedJob, progress: JobProgress) -> None:
        self._send(job.id, progress)

    def previewed(self, job: AcceptedJob, index: int, progress: JobProgress, image: Image.Image) -> None:
        self._executor.submit(self._preview, job, index, progress, image)

    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        for meter in self._meters:
            meter.stepped(lanes, rows, seconds)

    def finished(self, job: AcceptedJob, result: Result) -> None:
        self._executor.submit(self._store_result, job, result)

    def failed(self, job: AcceptedJob, error: Exception) -> None:
        self._executor.submit(self._store_failure, job, error)

    def _preview(self, job: AcceptedJob, index: int, progress: JobProgress, image: Image.Image) -> None:
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=1)
        self._send(job.id, Preview(index, progress.done, progress.total, buffer.getvalue()))

    def _store_result(self, job: AcceptedJob, result: Result) -> None:
        try:
            receipt = self._catalogue.public_receipt(result.receipt, job.request)
            for index, image in enumerate(result.images):
                png.attach(image, png.text_chunks(receipt, index))
            files = [png.encode(image) for image in result.images]
            if not self._stored(lambda: self._store.finish(job.id, receipt, files)):
                return
        except Exception as error:
            self._store_failure(job, error)
            return
        pictures = tuple(
            JobPicture(picture_id(job.id, index), file, receipt.single(index))
            for index, file in enumerate(files)
        )
        finished = Finished(job.id, pictures, receipt, now() - job.accepted_at)
        for meter in self._meters:
            meter.finished(job, finished)
        self._send(job.id, Done(finished))

    def _stored(self, store: Callable[[], None]) -> bool:
        """Store something, however long the database is away or the disk is full; False where the server
        stops before. What is not stored stays accepted, and the next server takes it up."""
        while True:
            try:
                store()
                return True
            except (OperationalError, InterfaceError, OutputError) as error:
                log.warning("nothing can be stored now; tried again in %g s: %s", _RETRY, error)
            if self._closing.wait(_RETRY):
                return False

    def _store_failure(self, job: AcceptedJob, error: Exception) -> None:
        refusal = refusal_of(error)
        if refusal.status == 500:
            log.error("job %s failed", job.id, exc_info=error)
        try:
            self._stored(lambda: self._store.fail(job.id, failure_json(refusal)))
        except Exception as failure:
            log.error("the end of job %s could not be stored", job.id, exc_info=failure)
        for meter in self._meters:
            meter.failed(job, refusal)
        self._send(job.id, Failed(refusal))


def failure_json(refusal: Refusal) -> str:
    """A refusal as the store keeps it."""
    return json.dumps({"status": refusal.status, "code": refusal.code, "message": str(refusal)})


def stored_refusal(failure: str) -> Refusal:
    """The refusal that `failure_json` wrote."""
    fields = json.loads(failure)
    return Refusal(fields["message"], fields["status"], fields["code"])
