"""Make the pictures that a measurement needs: those in the store are used, missing ones are generated."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, final

import torch
from PIL import Image

from negspace import __version__
from negspace.generate import Model
from negspace.lab.picture_store import PictureRecord, PictureSpec, PictureStore, Planning
from negspace.lab.site import HERE, Site
from negspace.lab.witness import Witness
from negspace.lab.workers import ROWS, Workers

BATCH_SIZE: Final = 16
"""Most pictures that are generated before they are written to the disk."""

SMALLEST_BATCH: Final = 8
"""Fewest pictures of a batch if there are several workers: they fill a forward pass with two rows each."""


def pixel_identity(model: Model, dtype: str | None = None) -> str:
    """Everything that decides the pixels of a picture besides its request, as one text."""
    network = model.network(dtype)
    parts = (network.fingerprint(), network.dtype, network.device, ROWS, torch.__version__, __version__)
    return " ".join(map(str, parts))


@final
@dataclass(frozen=True)
class Progress:
    """How far a measurement is.

    Attributes:
        stage: what is being done, in words.
        done: pictures that exist.
        left: the most pictures that may still be needed; terms that are decided early need fewer.
        seconds: time for these at the pace so far; None before the first picture.
    """

    stage: str
    done: int
    left: int
    seconds: float | None


@final
class PictureMaker(AbstractContextManager["PictureMaker"]):
    """Generates pictures, stores them, and looks at them.

    Attributes:
        store: keeps them.
        made: how many pictures this object generated.
        seconds: time that took.
    """

    def __init__(self, workers: Workers, witness: Witness, store: PictureStore, plan: Planning) -> None:
        self._workers = workers
        self._witness = witness
        self._plan = plan
        self.store: Final = store
        self.made = 0
        self.seconds = 0.0

    @classmethod
    def open(
        cls,
        model: Model,
        witness: Witness,
        folder: Path,
        site: Site = HERE,
        *,
        dtype: str | None = None,
        plan: Planning | None = None,
    ) -> Self:
        """Start workers for a model and open the store in a folder; `close` ends both.

        Args:
            folder: where pictures are kept.
            dtype: of the requests.
            plan: gives the plan of a request; None plans it with the model, reading each policy once.

        Raises:
            LabError: the cluster of the site does not exist.
            OutputError: as `PictureStore`.
        """
        workers = site.open_workers(model)
        plan = plan or model.planner()
        try:
            store = PictureStore(folder, pixel_identity(model, dtype), witness.fingerprint, plan)
        except BaseException:
            workers.close()
            raise
        return cls(workers, witness, store, plan)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store and end the workers."""
        try:
            self.store.close()
        finally:
            self._workers.close()

    def make(self, specs: Sequence[PictureSpec]) -> Iterator[int]:
        """Make the missing pictures, and yield how many were generated after each batch."""
        missing = [spec for spec in dict.fromkeys(specs) if self.store.record(spec) is None]
        unseen = {spec: None for spec in missing if self.store.path(spec).is_file()}
        self._look(list(unseen))
        batches = self._batches([spec for spec in missing if spec not in unseen])
        start = time.perf_counter()
        plans = [[self._plan(spec.request) for spec in batch] for batch in batches]
        for number, made in self._workers.make(plans):
            batch = batches[number]
            for spec, (picture, receipt) in zip(batch, made, strict=True):
                self.store.save(spec, picture, receipt)
            self._look(batch)
            self.made += len(batch)
            self.seconds += time.perf_counter() - start
            yield len(batch)
            start = time.perf_counter()

    def records(self, specs: Sequence[PictureSpec]) -> list[PictureRecord]:
        """What is known of pictures that `make` was called for."""
        records = [self.store.record(spec) for spec in specs]
        assert all(record is not None for record in records), "make() comes before records()"
        return [record for record in records if record is not None]

    def pictures(self, specs: Sequence[PictureSpec]) -> list[Image.Image]:
        """Pictures, made where they are missing."""
        for _ in self.make(specs):
            pass
        return self.store.pictures(specs)

    def progress(self, stage: str, left: int, done: int | None = None) -> Progress:
        """How far a measurement is, at the pace so far; a `done` of None counts the pictures in the store."""
        pace = self.seconds / self.made if self.made else None
        exist = len(self.store) if done is None else done
        return Progress(stage, exist, left, None if pace is None else pace * left)

    def _batches(self, specs: Sequence[PictureSpec]) -> list[Sequence[PictureSpec]]:
        """The pictures in batches, small enough to keep every worker busy."""
        count = self._workers.count
        size = BATCH_SIZE if count == 1 else min(BATCH_SIZE, max(SMALLEST_BATCH, -(-len(specs) // count)))
        return [specs[start : start + size] for start in range(0, len(specs), size)]

    def _look(self, specs: Sequence[PictureSpec]) -> None:
        if specs:
            self.store.add_seen(specs, self._witness.look(self.store.pictures(specs)))
