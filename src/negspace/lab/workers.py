"""Workers make the pictures of a measurement: in this process or in several. All make the same pictures."""

import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Final, final

import torch
from PIL import Image

from negspace.engine import FixedBatches
from negspace.errors import LabError
from negspace.generate import Model
from negspace.planning.plan import Plan
from negspace.receipt import Receipt

ROWS: Final = 16
"""Rows of a forward pass: always as many, so that a picture does not depend on its batch or machine."""

MadePicture = tuple[Image.Image, Receipt]
"""One picture, RGB, and its receipt."""

Batch = Sequence[Plan]
"""Plans of one picture each that are carried out together."""


class Workers(ABC):
    """Generate batches of pictures.

    Attributes:
        count: how many batches are generated at the same time.
    """

    count: int

    @abstractmethod
    def make(self, batches: Sequence[Batch]) -> Iterator[tuple[int, list[MadePicture]]]:
        """Generate batches, and yield (number of the batch, its pictures) as each is finished.

        Raises:
            NegspaceError: a plan is impossible for the model.
            LabError: a worker was lost.
        """

    def close(self) -> None:
        """End the workers."""
        return


def make_batch(model: Model, batch: Batch) -> list[MadePicture]:
    """The pictures of a batch, with `ROWS` rows in every forward pass."""
    results = model.with_batching(FixedBatches(ROWS)).run_all(batch)
    for result in results:
        for image in result.withheld:
            raise LabError(
                f"a check withholds the picture of seed {image.seed} ({', '.join(image.flags)}), and a "
                "measurement needs every picture: leave the policy out, or let its checks only flag"
            )
    return [(result.images[0], result.receipt) for result in results]


@final
class InProcess(Workers):
    """This process is the only worker."""

    count = 1

    def __init__(self, model: Model) -> None:
        self._model = model

    def make(self, batches: Sequence[Batch]) -> Iterator[tuple[int, list[MadePicture]]]:
        for number, batch in enumerate(batches):
            yield number, make_batch(self._model, batch)


@final
class Processes(Workers):
    """`count` processes on this machine, each with the model opened once more and its share of the cores."""

    def __init__(self, model: Model, count: int) -> None:
        self.count = count
        threads = max(1, len(os.sched_getaffinity(0)) // count) if sys.platform == "linux" else 1
        self._pool = ProcessPoolExecutor(
            count,
            mp_context=get_context("spawn"),
            initializer=_start_process,
            initargs=(model, model.network().fingerprint(), threads),
        )

    def make(self, batches: Sequence[Batch]) -> Iterator[tuple[int, list[MadePicture]]]:
        waiting: dict[Future[list[MadePicture]], int] = {
            self._pool.submit(_make_in_process, batch): number for number, batch in enumerate(batches)
        }
        try:
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=waiting.__getitem__):
                    yield waiting.pop(future), future.result()
        except BrokenProcessPool:
            raise LabError("a process that made pictures has died; the same command continues") from None
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def same_model(model: Model, fingerprint: str) -> Model:
    """The model as it is opened on this machine, if its weights are those of the first machine.

    Raises:
        LabError: they are not.
    """
    if model.network().fingerprint() != fingerprint:
        raise LabError(f"the model {model.path!r} has other weights here than where it was opened first")
    return model


_process_model: Model | None = None
"""The model of a process of `Processes`."""


def _start_process(model: Model, fingerprint: str, threads: int) -> None:
    global _process_model
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    _process_model = same_model(model, fingerprint)


def _end_with_parent() -> None:
    """A parent that was killed cannot end its children, which would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make_in_process(part: Batch) -> list[MadePicture]:
    assert _process_model is not None, "_start_process comes first"
    return make_batch(_process_model, part)
