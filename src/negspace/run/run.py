"""Run: the pictures of one request under way, and the result."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from PIL import Image
from torch import Tensor

from negspace import png
from negspace.encoding import Encoder
from negspace.engine import Batching, Engine, Lane
from negspace.models.base import Network
from negspace.planning.plan import Plan, refuse_blocked
from negspace.receipt import Receipt
from negspace.run.attempts import Inspection, PictureRun, PreparedPlan, look
from negspace.run.escalation import refuse_unheld
from negspace.run.record import record


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


@final
class Run:
    """Pictures under way. Iterating takes a step at a time; leaving off is cancelling.

    Args:
        network: what makes them.
        planned: the plan.
        width: how many rows go through the network at once.
        encoder: reads the texts; None is the network's own.
        looking: how pictures are looked at; None where nobody is to, and nothing is refused for that.

    Attributes:
        plan, network: as given.

    Raises:
        PolicyError: a policy keeps the request from being carried out, or nobody can look for what it blocks.
    """

    def __init__(
        self,
        network: Network,
        planned: Plan,
        batching: Batching | None,
        encoder: Encoder | None = None,
        looking: Inspection | None = None,
    ) -> None:
        refuse_blocked(planned)
        self._looking = looking or Inspection()
        if looking is not None:
            refuse_unheld(planned, looking.knows)
        self.plan = planned
        self.network = network
        self._engine = Engine(network, batching)
        self._making = PreparedPlan(network, planned, encoder or network.encoder)
        self._courses = tuple(PictureRun(self._making, seed) for seed in planned.request.seeds)
        self._began: float | None = None

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """One lane a picture: the attempt under way. Another engine of the same network may drive them
        instead of this run; what `settle` then returns belongs to the same engine."""
        return tuple(course.lane for course in self._courses)

    @property
    def done(self) -> int:
        """Steps taken so far, over all pictures and attempts."""
        return sum(one.lane.progress[0] for course in self._courses for one in course.attempts)

    @property
    def total(self) -> int:
        """Steps in all, over all pictures and the attempts begun."""
        return sum(one.lane.progress[1] for course in self._courses for one in course.attempts)

    def __iter__(self) -> Iterator[int]:
        """Take the steps that are left, yielding `done` after each."""
        self._began = self._began or time.perf_counter()
        if self.done == 0 and not self._engine.lanes:
            for lane in self._lanes_left():
                self._engine.add(lane)
        while self._engine.lanes:
            while self._engine.lanes:
                self._engine.tick()
                yield self.done
            for lane in self.settle():
                self._engine.add(lane)

    def settle(self) -> tuple[Lane, ...]:
        """Look at the pictures that are finished, and decide.

        Returns:
            the lanes of further attempts, where a check asks for them; () once every picture is decided or
            still under way.
        """
        self._began = self._began or time.perf_counter()
        return look(self._courses, self._looking, time.perf_counter() - self._began)

    def result(self) -> Result:
        """The pictures, after taking the steps that are left. What a check withholds is not among them."""
        for _ in self:
            pass
        self.settle()  # where another engine took the steps
        while lanes := self._lanes_left():
            for _ in Engine(self.network, self._engine.batching).run(lanes):
                pass
            self.settle()
        receipt = record(self._making, self._courses, self._looking, self._engine.batching)
        left = [one for course in self._courses if (one := course.delivered) is not None]
        images = [one.image for one in left if one.image is not None]
        for index, image in enumerate(images):
            png.attach(image, png.texts_of(receipt, index))
        seconds = time.perf_counter() - (self._began or 0.0)
        shape = self.network.latent_shape(self.plan.width, self.plan.height)
        latents = torch.stack([one.lane.x for one in left]) if left else torch.empty(0, *shape)
        return Result(tuple(images), receipt, latents, seconds)

    def picture(self, lane: Lane) -> Image.Image:
        """The picture of a lane as far as it has come, with every pixel that is kept, RGB."""
        return self._making.picture(lane)

    def preview(self, lane: Lane) -> Image.Image | None:
        """What the picture of a lane is going to look like, with every pixel that is kept, RGB; None before
        its first step."""
        return self._making.preview(lane)

    def _lanes_left(self) -> tuple[Lane, ...]:
        return tuple(lane for lane in self.lanes if not lane.done)
