"""Crew: who makes the pictures of a measurement: this process, several, or a cluster. All make the same."""

import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from typing import Final, final

import torch
from PIL import Image

from negspace.engine import FixedBatches
from negspace.errors import LabError
from negspace.generate import Model
from negspace.receipt import Receipt
from negspace.request import Request

ROWS: Final = 16
"""Rows a forward. Always as many, so that a picture is the same whatever it is made beside, and wherever."""

Made = tuple[Image.Image, Receipt]
"""One picture, RGB, and its receipt."""

Part = Sequence[Request]
"""Requests for one picture each that are made in one go."""


class Workers(ABC):
    """Makes parts of the work; closing it lets its hands go.

    Attributes:
        hands: how many parts are worked on at once.
    """

    count: int

    @abstractmethod
    def make(self, parts: Sequence[Part]) -> Iterator[tuple[int, list[Made]]]:
        """(which part, its pictures), as they are done, each part once.

        Raises:
            NegspaceError: a request is impossible for the model.
            LabError: hands were lost.
        """

    def close(self) -> None:
        """Let go of what it holds."""
        return


def make_part(model: Model, part: Part) -> list[Made]:
    """The pictures of a part, `ROWS` rows a forward."""
    results = model.with_batching(FixedBatches(ROWS)).generate_all(part)
    return [(result.images[0], result.receipt) for result in results]


@final
class InProcess(Workers):
    """This process.

    Args:
        model: makes them.
    """

    count = 1

    def __init__(self, model: Model) -> None:
        self._model = model

    def make(self, parts: Sequence[Part]) -> Iterator[tuple[int, list[Made]]]:
        for number, part in enumerate(parts):
            yield number, make_part(self._model, part)


@final
class Processes(Workers):
    """Several processes on this machine, each with the model opened once more and its share of the cores.

    Args:
        model: makes them.
        hands: how many processes.
    """

    def __init__(self, model: Model, hands: int) -> None:
        self.count = hands
        threads = max(1, len(os.sched_getaffinity(0)) // hands) if sys.platform == "linux" else 1
        self._pool = ProcessPoolExecutor(
            hands,
            mp_context=get_context("spawn"),
            initializer=_begin,
            initargs=(model, model.network().fingerprint(), threads),
        )

    def make(self, parts: Sequence[Part]) -> Iterator[tuple[int, list[Made]]]:
        waiting: dict[Future[list[Made]], int] = {
            self._pool.submit(_make, part): number for number, part in enumerate(parts)
        }
        try:
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda one: waiting[one]):
                    yield waiting.pop(future), future.result()
        except BrokenProcessPool:
            raise LabError("a process that made pictures has died; the same command goes on") from None
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def same_model(model: Model, fingerprint: str) -> Model:
    """The model, opened here, if it has the weights that it has there.

    Raises:
        LabError: it has others.
    """
    if model.network().fingerprint() != fingerprint:
        raise LabError(f"the model {model.path!r} has other weights here than where it was opened first")
    return model


_ours: Model | None = None
"""The model of this process, where it is one of several."""


def _begin(model: Model, fingerprint: str, threads: int) -> None:
    global _ours
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    _ours = same_model(model, fingerprint)


def _end_with_parent() -> None:
    """A parent that was killed cannot end its children, and they would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(part: Part) -> list[Made]:
    assert _ours is not None, "_begin comes first"
    return make_part(_ours, part)


@final
@dataclass(frozen=True)
class Site:
    """Where pictures are made.

    Attributes:
        workers: processes on this machine, or of the cluster; None is one here, all that there are there.
        cluster: address of a Ray cluster, "auto" for the one that this machine belongs to, "local" for one of
            its own; None is this machine.
    """

    workers: int | None = None
    cluster: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise LabError(f"workers: {self.workers} is no number of processes; give 1 or more")

    def crew(self, model: Model) -> Workers:
        """The crew for a model.

        Raises:
            LabError: there is no such cluster.
        """
        if self.cluster is not None:
            from negspace.lab.cluster import Cluster

            return Cluster(model, self.cluster, self.workers)
        return InProcess(model) if self.workers in (None, 1) else Processes(model, self.workers)


HERE: Final = Site()
