"""The attempts at one picture: it is made, looked at, made again, and in the end delivered or withheld."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from PIL import Image
from torch import Tensor

from negspace.encoding import Encoder
from negspace.engine import Lane, canvas_of, draw
from negspace.engine.sides import Sides
from negspace.facts import Prediction
from negspace.guidance import Space, make
from negspace.judge import Judge
from negspace.models.base import Network
from negspace.planning.plan import Plan
from negspace.records import JudgeVerdict
from negspace.run.escalation import Again, Attempt, Deliver, Limits, Withhold, decide, watched

_SPACES: dict[Prediction, Space] = {"epsilon": "eps", "v_prediction": "v", "flow": "flow"}


@final
class PreparedPlan:
    """A plan on a network: its rule, and its texts encoded once for all pictures.

    Args:
        network: what makes them.
        planned: the plan.
        encoder: reads the texts.

    Attributes:
        plan, network, encoder: as given.
        casting: what each side says at each step.

    Raises:
        NegspaceError: the network cannot host the rule, or a text cannot be encoded.
    """

    def __init__(self, network: Network, planned: Plan, encoder: Encoder) -> None:
        self.network = network
        self.plan = planned
        self.encoder = encoder
        self._rule = make(planned.rule, scale=planned.scale)
        for patch in self._rule.patches():
            network.host(patch)
        self.casting = Sides(encoder, network.facts, planned)
        start = planned.request.start
        self._canvas = None if start is None else canvas_of(start, network, planned.steps)

    @property
    def redraws(self) -> bool:
        """Whether anything of the picture is made: a mask may keep all of it."""
        return self._canvas is None or self._canvas.has_free_cells

    def lane(self, seed: int) -> Lane:
        """A picture to be made."""
        planned, network = self.plan, self.network
        shape = network.latent_shape(planned.width, planned.height)
        sampler = network.sampler(planned.sampler, planned.steps, shape)
        noise = draw(seed, shape).to(network.device)
        return Lane(
            seed=seed,
            noise=noise,
            sampler=sampler,
            rule=self._rule,
            space=_SPACES[network.facts.prediction],
            sides=self.casting.at_evaluations(sampler.evaluations),
            negatives=self.casting.negatives(sampler.evaluations),
            canvas=self._canvas,
            numbers=network.numbers(planned.carried, planned.width, planned.height),
        )

    def picture(self, lane: Lane) -> Image.Image:
        """The picture of a lane as far as it has come, with every pixel that is kept, RGB."""
        return self._whole(lane.x)

    def preview(self, lane: Lane) -> Image.Image | None:
        """The picture that the last step of a lane foresaw, with every pixel that is kept, RGB; None before
        it."""
        return None if lane.clean is None else self._whole(lane.clean)

    def _whole(self, latents: Tensor) -> Image.Image:
        made = Image.fromarray(self.network.decode(latents))
        start = self.plan.request.start
        if start is None or start.mask is None:
            return made
        return Image.composite(made, start.picture.image(), start.mask.image())


@dataclass(frozen=True)
class Inspection:
    """How pictures are looked at.

    Attributes:
        judge: who looks; None is nobody.
        limits: how often a picture is made again.
    """

    judge: Judge | None = None
    limits: Limits = Limits()

    def knows(self, concept: str) -> bool:
        """Whether somebody looks who can be asked for a concept."""
        return self.judge is not None and self.judge.knows(concept)

    def concepts(self, making: PreparedPlan) -> tuple[str, ...]:
        """What is looked for: what the plan watches and the judge knows."""
        return tuple(one for one in watched(making.plan) if self.knows(one))


@dataclass(frozen=True, eq=False)
class PictureAttempt:
    """One attempt at a picture.

    Attributes:
        making: its plan on the network.
        lane: the picture under way, or made.
        image: once made.
        sights: what was seen in it.
    """

    prepared: PreparedPlan
    lane: Lane
    image: Image.Image | None = None
    verdicts: tuple[JudgeVerdict, ...] = ()


@final
class PictureRun:
    """One picture on its way.

    Args:
        making: the first plan.
        seed: of the picture.

    Attributes:
        seed: as given.
        tries: all attempts, the last of which may be under way.
        outcome: what became of it; None while it is under way.
    """

    def __init__(self, making: PreparedPlan, seed: int) -> None:
        self.seed = seed
        self.attempts: list[PictureAttempt] = [PictureAttempt(making, making.lane(seed))]
        self.outcome: Deliver | Withhold | None = None

    @property
    def lane(self) -> Lane:
        """The attempt under way, or the last one."""
        return self.attempts[-1].lane

    @property
    def waits(self) -> bool:
        """Whether a finished attempt waits to be looked at."""
        return self.outcome is None and self.lane.done

    @property
    def delivered(self) -> PictureAttempt | None:
        """The attempt whose picture leaves; None where none does."""
        return self.attempts[self.outcome.attempt] if isinstance(self.outcome, Deliver) else None

    def looked(
        self, image: Image.Image, sights: Sequence[JudgeVerdict], limits: Limits, elapsed: float
    ) -> None:
        """The last attempt was made and looked at: decide, and begin another one if it takes that.

        Args:
            image: its picture.
            sights: what was seen in it.
            limits: how often it may be made again.
            elapsed: seconds since the first attempt began.
        """
        last = self.attempts[-1]
        self.attempts[-1] = PictureAttempt(last.prepared, last.lane, image, tuple(sights))
        attempts = [Attempt(one.prepared.plan, one.verdicts) for one in self.attempts]
        network = last.prepared.network
        decision = decide(attempts, self.seed, network.facts, limits, elapsed)
        if isinstance(decision, Again):
            making = PreparedPlan(network, decision.plan, last.prepared.encoder)
            self.attempts.append(PictureAttempt(making, making.lane(decision.plan.carried.seed)))
        else:
            self.outcome = decision


def look(courses: Sequence[PictureRun], looking: Inspection, elapsed: float) -> tuple[Lane, ...]:
    """Look at every finished attempt, and decide; all pictures go to the judge together.

    Returns:
        the lanes of the attempts that begin now.
    """
    waiting = [course for course in courses if course.waits]
    images = [course.attempts[-1].prepared.picture(course.lane) for course in waiting]
    concepts = looking.concepts(waiting[0].attempts[0].prepared) if waiting else ()
    seen: list[tuple[JudgeVerdict, ...]] = [() for _ in images]
    if looking.judge is not None and concepts:
        seen = looking.judge.look(images, concepts)
    for course, image, sights in zip(waiting, images, seen, strict=True):
        course.looked(image, sights, looking.limits, elapsed)
    return tuple(course.lane for course in waiting if course.outcome is None)
