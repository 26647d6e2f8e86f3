"""Outcomes: what the worker makes becomes files, receipts and events, in a thread beside it."""

import io
import json
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import final

from PIL import Image

from negspace import png
from negspace.generate import Result
from negspace.serve.catalogue import Catalogue
from negspace.serve.jobs.events import (
    Done,
    Event,
    Failed,
    Finished,
    JobProgress,
    Picture,
    Preview,
    picture_id,
)
from negspace.serve.jobs.job import Order
from negspace.serve.jobs.listener import Listener
from negspace.serve.observe.metrics import Meter
from negspace.serve.refusal import Refusal, refusal_of
from negspace.store import Store

log = logging.getLogger(__name__)


@final
class Outcomes(Listener):
    """Keeps what is made before anyone is told of it.

    Args:
        store: where it is kept.
        catalogue: knows what may be shown of a receipt.
        meters: count, write down, trace.
        tell: hands an event of a job to whoever waits for it; called by any thread.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        meters: Sequence[Meter],
        tell: Callable[[str, Event], None],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._meters = tuple(meters)
        self._tell = tell
        self._beside = ThreadPoolExecutor(1, "outcomes")

    def close(self) -> None:
        """Come to an end with all that was made."""
        self._beside.shutdown()

    def advanced(self, order: Order, progress: JobProgress) -> None:
        self._tell(order.id, progress)

    def seen(self, order: Order, index: int, progress: JobProgress, image: Image.Image) -> None:
        self._beside.submit(self._preview, order, index, progress, image)

    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        for meter in self._meters:
            meter.stepped(lanes, rows, seconds)

    def made(self, order: Order, result: Result) -> None:
        self._beside.submit(self._keep, order, result)

    def failed(self, order: Order, error: Exception) -> None:
        self._beside.submit(self._fail, order, error)

    def _preview(self, order: Order, index: int, progress: JobProgress, image: Image.Image) -> None:
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=1)
        self._tell(order.id, Preview(index, progress.done, progress.total, buffer.getvalue()))

    def _keep(self, order: Order, result: Result) -> None:
        try:
            receipt = self._catalogue.public_receipt(result.receipt, order.request)
            for index, image in enumerate(result.images):
                png.attach(image, png.text_chunks(receipt, index))
            files = [png.encode(image) for image in result.images]
            self._store.finish(order.id, receipt, files)
        except Exception as error:
            self._fail(order, error)
            return
        pictures = tuple(
            Picture(picture_id(order.id, index), file, receipt.single(index))
            for index, file in enumerate(files)
        )
        finished = Finished(order.id, pictures, receipt, time.time() - order.accepted)
        for meter in self._meters:
            meter.finished(order, finished)
        self._tell(order.id, Done(finished))

    def _fail(self, order: Order, error: Exception) -> None:
        why = refusal_of(error)
        if why.status == 500:
            log.error("job %s failed", order.id, exc_info=error)
        try:
            self._store.fail(order.id, failure_of(why))
        except Exception as amiss:
            log.error("the end of job %s could not be written down", order.id, exc_info=amiss)
        for meter in self._meters:
            meter.failed(order, why)
        self._tell(order.id, Failed(why))


def failure_of(why: Refusal) -> str:
    """A refusal as the store keeps it."""
    return json.dumps({"status": why.status, "code": why.code, "message": str(why)})


def refusal_in(failure: str) -> Refusal:
    """The refusal that the store kept."""
    kept = json.loads(failure)
    return Refusal(kept["message"], kept["status"], kept["code"])
