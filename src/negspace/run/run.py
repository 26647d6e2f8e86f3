"""Runs under way: the pictures of one plan, the driver that takes their steps, and the result."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from PIL import Image
from torch import Tensor

from negspace import png
from negspace.encoding import Encoder
from negspace.engine import Batching, Engine, Lane
from negspace.errors import PictureError
from negspace.models.base import Network
from negspace.planning.plan import Plan, refuse_blocked
from negspace.receipt import Receipt
from negspace.records import ImageRecord
from negspace.run.attempts import Broken, Inspection, PictureRun, PreparedPlan, inspect_finished
from negspace.run.escalation import refuse_unchecked
from negspace.run.record import receipt_of


@dataclass(frozen=True, eq=False)
class Result:
    """Pictures and how they came about.

    Attributes:
        images: RGB, in the order of their seeds. Saved as PNG they carry the infotext and their receipt. What
            a check withholds is not among them; the receipt says so.
        receipt: of all of them.
        latents: [n, channels, height, width] float32, what the pictures were decoded from.
        seconds: wall time from the first step to the last picture.
    """

    images: tuple[Image.Image, ...]
    receipt: Receipt
    latents: Tensor
    seconds: float

    @property
    def withheld(self) -> tuple[ImageRecord, ...]:
        """The record of each picture that a check keeps back; its `flags` say why."""
        return self.receipt.withheld


@final
class Run:
    """The pictures of one plan under way. Iterating takes a step at a time; leaving off is cancelling.

    Args:
        network: predicts and decodes.
        plan: says how the pictures are made.
        batching: how many rows go through the network at once.
        encoder: reads the texts; None is the network's own.
        inspection: how pictures are inspected; None where nobody inspects them, and nothing is refused for
            that.

    Attributes:
        plan, network: as given.

    Raises:
        PolicyError: a policy keeps the request from being carried out, or no judge can look for what it
            blocks.
        NegspaceError: as `PreparedPlan`.
    """

    def __init__(
        self,
        network: Network,
        plan: Plan,
        batching: Batching | None,
        encoder: Encoder | None = None,
        inspection: Inspection | None = None,
    ) -> None:
        refuse_blocked(plan)
        if inspection is not None:
            refuse_unchecked(plan, inspection.knows)
        self.plan = plan
        self.network = network
        self._inspection = inspection or Inspection()
        self._driver = Driver(Engine(network, batching))
        self._prepared = PreparedPlan(network, plan, encoder or network.encoder)
        self._pictures = tuple(PictureRun(self._prepared, seed) for seed in plan.request.seeds)
        self._began: float | None = None

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """One lane a picture: that of its last attempt. Another engine of the same network may drive them
        instead of this run; what `settle` then returns belongs to the same engine."""
        return tuple(picture.lane for picture in self._pictures)

    @property
    def unfinished(self) -> tuple[Lane, ...]:
        """Those of the lanes that have steps left."""
        return tuple(lane for lane in self.lanes if not lane.done)

    @property
    def done(self) -> int:
        """Steps taken so far, over all pictures and attempts."""
        return sum(done for done, _ in self._progress())

    @property
    def total(self) -> int:
        """Steps in all, over all pictures and the attempts begun."""
        return sum(total for _, total in self._progress())

    def __iter__(self) -> Iterator[int]:
        """Take the steps that are left, yielding `done` after each."""
        self._driver.add_unfinished(self)
        for _ in self._driver:
            yield self.done

    def begin(self) -> None:
        """Let the time run from now on; does nothing the second time."""
        self._began = self._began or time.perf_counter()

    def settle(self) -> tuple[Lane, ...]:
        """Inspect the pictures that are finished, and decide.

        Returns:
            the lanes of second passes, and of further attempts where a check asks for them; () once every
            picture is decided or still under way.
        """
        self.begin()
        return inspect_finished(self._pictures, self._inspection, self._seconds())

    def result(self) -> Result:
        """The pictures, after taking the steps that are left. What a check withholds is not among them.

        Raises:
            PictureError: every picture broke. Where only some did, the findings of the receipt name them.
        """
        for _ in self:
            pass
        broken = [picture.outcome for picture in self._pictures if isinstance(picture.outcome, Broken)]
        if len(broken) == len(self._pictures):
            raise PictureError(broken[0].why)
        receipt = receipt_of(self._prepared, self._pictures, self._inspection, self._driver.engine.batching)
        delivered = [attempt for picture in self._pictures if (attempt := picture.delivered) is not None]
        images = [attempt.image for attempt in delivered if attempt.image is not None]
        for index, image in enumerate(images):
            png.attach(image, png.text_chunks(receipt, index))
        shape = self.network.latent_shape(*self.plan.last_size)
        latents = [attempt.lane.x for attempt in delivered]
        stacked = torch.stack(latents) if latents else torch.empty(0, *shape)
        return Result(tuple(images), receipt, stacked, self._seconds())

    def picture(self, lane: Lane) -> Image.Image:
        """The picture of a lane as far as it has come, with every pixel that is kept, RGB."""
        return self._prepared.picture(lane)

    def preview(self, lane: Lane) -> Image.Image | None:
        """What the picture of a lane is going to look like, with every pixel that is kept, RGB; None before
        its first step."""
        return self._prepared.preview(lane)

    def _progress(self) -> Iterator[tuple[int, int]]:
        return (attempt.progress for picture in self._pictures for attempt in picture.attempts)

    def _seconds(self) -> float:
        return 0.0 if self._began is None else time.perf_counter() - self._began


@final
class Driver:
    """Takes the steps of several runs together, whose rows share forwards, and lets the further attempts join
    that their checks ask for. Iterating takes a step of all lanes at a time.

    Args:
        engine: of the network of all the runs; driven by nothing else.

    Attributes:
        engine: as given.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._owners: dict[Lane, Run] = {}

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs with lanes under way."""
        return tuple(dict.fromkeys(self._owners.values()))

    def owner(self, lane: Lane) -> Run:
        """The run of a lane under way."""
        return self._owners[lane]

    def add(self, run: Run, lanes: Iterable[Lane]) -> None:
        """Let lanes of a run take part from the next step on."""
        run.begin()
        for lane in lanes:
            self.engine.add(lane)
            self._owners[lane] = run

    def add_unfinished(self, run: Run) -> None:
        """Let everything take part that is left of a run."""
        run.settle()  # finished lanes that another engine drove
        self.add(run, [lane for lane in run.unfinished if lane not in self._owners])

    def remove(self, run: Run) -> None:
        """Take the lanes of a run out, finished or not."""
        for lane in [lane for lane, owner in self._owners.items() if owner is run]:
            del self._owners[lane]
            self.engine.remove(lane)

    def tick(self) -> None:
        """One step of every lane. Finished lanes leave; `settle` comes next for each run that had one."""
        for lane in self.engine.tick():
            del self._owners[lane]

    def tick_alone(self, lane: Lane) -> None:
        """One step of one lane, in forwards of its own."""
        if not lane.done:
            engine = Engine(self.engine.network, self.engine.batching)
            engine.add(lane)
            engine.tick()
        if lane.done:
            del self._owners[lane]
            self.engine.remove(lane)

    def settle(self, run: Run) -> bool:
        """Decide about the finished pictures of a run and let further attempts join; whether all pictures of
        the run are decided."""
        self.add(run, run.settle())
        return not run.unfinished

    def __iter__(self) -> Iterator[None]:
        """Take the steps that are left, those of further attempts included."""
        while runs := self.runs:
            self.tick()
            for run in runs:
                self.settle(run)
            yield
