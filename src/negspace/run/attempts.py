"""The attempts at one picture: it is made, inspected, made again, and in the end delivered or withheld."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

from PIL import Image
from torch import Tensor

from negspace.encoding import Encoder
from negspace.engine import Canvas, Lane, LaneStats, canvas_of, draw, joined_stats
from negspace.engine.encoded_plan import EncodedPlan
from negspace.errors import PictureError
from negspace.facts import Prediction
from negspace.guidance import Space, make
from negspace.hires import skipped_steps
from negspace.judge import Judge
from negspace.models.base import Network
from negspace.models.samplers import Sampler
from negspace.planning.plan import Plan
from negspace.records import JudgeVerdict
from negspace.request import Wanted
from negspace.run.escalation import Again, Attempt, Deliver, Limits, Withhold, decide, watched_concepts
from negspace.run.hires import enlarged, second_plan
from negspace.run.wanted import wanted_things

_SPACES: dict[Prediction, Space] = {"epsilon": "eps", "v_prediction": "v", "flow": "flow"}


@final
class PreparedPlan:
    """A plan on a network: its rule, and its texts encoded once for all pictures.

    Args:
        network: predicts and decodes.
        plan: says how the pictures are made.
        encoder: reads the texts.

    Attributes:
        network, plan, encoder: as given.
        encoded: its texts, encoded.
        second: the plan of the second pass; None where there is none.

    Raises:
        NegspaceError: the network cannot host the rule, or a text cannot be encoded.
    """

    def __init__(self, network: Network, plan: Plan, encoder: Encoder) -> None:
        self.network = network
        self.plan = plan
        self.encoder = encoder
        self._rule = make(plan.rule, scale=plan.scale)
        for patch in self._rule.patches():
            network.host(patch)
        self.encoded = EncodedPlan(encoder, network.facts, plan)
        start = plan.carried.start
        self._canvas = None if start is None else canvas_of(start, network, plan.steps)
        self.second: PreparedPlan | None = None
        if plan.hires is not None:
            self.second = PreparedPlan(network, second_plan(plan, plan.hires, network.facts), encoder)

    @property
    def redraws(self) -> bool:
        """Whether anything of the picture is made: a mask may keep all of it."""
        return self._canvas is None or self._canvas.has_free_cells

    def sampler(self) -> Sampler:
        """A sampler for one picture."""
        plan = self.plan
        shape = self.network.latent_shape(plan.width, plan.height)
        return self.network.sampler(plan.sampler, plan.steps, shape)

    def lane(self, seed: int, canvas: Canvas | None = None) -> Lane:
        """A lane that makes the picture of a seed, on a canvas or else on that of the plan."""
        plan, network = self.plan, self.network
        shape = network.latent_shape(plan.width, plan.height)
        sampler = self.sampler()
        noise = draw(seed, shape).to(network.device)
        return Lane(
            seed=seed,
            noise=noise,
            sampler=sampler,
            rule=self._rule,
            space=_SPACES[network.facts.prediction],
            sides=self.encoded.sides(sampler.evaluations),
            negatives=self.encoded.negatives(sampler.evaluations),
            locked=self.encoded.locked,
            canvas=canvas or self._canvas,
            numbers=network.numbers(plan.carried, plan.width, plan.height),
        )

    @cached_property
    def second_evaluations(self) -> int:
        """Evaluation steps of a second pass; 0 where none follows."""
        if self.second is None or self.plan.hires is None:
            return 0
        sampler = self.second.sampler()
        sampler.skip(skipped_steps(self.plan.hires.strength, self.second.plan.steps))
        return sampler.evaluations - sampler.first

    def second_lane(self, first: Lane) -> Lane:
        """The lane of the second pass over a finished picture.

        Raises:
            PictureError: the picture cannot be decoded.
        """
        hires, second = self.plan.hires, self.second
        assert hires is not None and second is not None
        latents = enlarged(first.x, hires, self.network)
        return second.lane(first.seed, Canvas(latents, skipped_steps(hires.strength, second.plan.steps)))

    def picture(self, lane: Lane) -> Image.Image:
        """The picture of a lane as far as it has come, with every pixel that is kept, RGB."""
        return self._decoded(lane.x)

    def preview(self, lane: Lane) -> Image.Image | None:
        """The clean picture that the last step of a lane predicts, with every pixel that is kept, RGB; None
        before the first step, and where it cannot be decoded."""
        try:
            return None if lane.clean is None else self._decoded(lane.clean)
        except PictureError:
            return None

    def _decoded(self, latents: Tensor) -> Image.Image:
        decoded = Image.fromarray(self.network.decode(latents))
        start = self.plan.carried.start
        if start is None or start.mask is None:
            return decoded
        return Image.composite(decoded, start.picture.image(), start.mask.image())


@dataclass(frozen=True)
class Inspection:
    """How finished pictures are inspected.

    Attributes:
        judge: looks at them; None where nobody does.
        limits: how often a picture is made again.
    """

    judge: Judge | None = None
    limits: Limits = Limits()

    def knows(self, concept: str) -> bool:
        """Whether there is a judge that can be asked for a concept."""
        return self.judge is not None and self.judge.knows(concept)

    def wanted(self, plan: Plan) -> tuple[Wanted, ...]:
        """What must be seen in the pictures of a plan."""
        return wanted_things(plan, () if self.judge is None else self.judge.concepts(), self.knows)

    def verdicts(self, images: Sequence[Image.Image], plan: Plan) -> list[tuple[JudgeVerdict, ...]]:
        """For each picture of a plan the verdicts on what is avoided or wanted and the judge knows."""
        wanted = (thing.term for thing in self.wanted(plan))
        return self.look(images, (*watched_concepts(plan), *wanted))

    def look(self, images: Sequence[Image.Image], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        """For each picture the verdicts on those concepts that the judge knows, each once."""
        known = tuple(filter(self.knows, dict.fromkeys(concepts)))
        if self.judge is None or not known or not images:
            return [() for _ in images]
        return self.judge.look(images, known)


@dataclass(frozen=True, eq=False)
class PictureAttempt:
    """One attempt at a picture.

    Attributes:
        prepared: its plan on the network.
        lane: makes it; where it has a second pass that has begun, that of the second.
        first: the lane of the first pass, once the second has begun.
        image: the picture; None until it is inspected.
        verdicts: of the judge on it.
    """

    prepared: PreparedPlan
    lane: Lane
    first: Lane | None = None
    image: Image.Image | None = None
    verdicts: tuple[JudgeVerdict, ...] = ()

    @property
    def awaits_second_pass(self) -> bool:
        """Whether its first pass is finished and a second one follows."""
        ready = self.first is None and self.lane.done and self.lane.broken is None
        return ready and self.prepared.second is not None

    @property
    def stats(self) -> LaneStats:
        """What both passes cost and what the negative did in them."""
        return self.lane.stats if self.first is None else joined_stats(self.first.stats, self.lane.stats)

    @property
    def progress(self) -> tuple[int, int]:
        """(evaluation steps done, evaluation steps in all), over both passes."""
        done, total = self.lane.progress
        if self.first is None:
            return done, total + self.prepared.second_evaluations
        return done + self.first.progress[0], total + self.first.progress[1]


@dataclass(frozen=True)
class Broken:
    """No picture came about.

    Attributes:
        why: with its seed, in plain words.
    """

    why: str


@final
class PictureRun:
    """One picture under way, attempt after attempt.

    Args:
        prepared: the plan of the first attempt.
        seed: of the picture.

    Attributes:
        seed: as given.
        attempts: all of them, the last of which may be under way.
        outcome: what became of the picture; None while it is under way.
    """

    def __init__(self, prepared: PreparedPlan, seed: int) -> None:
        self.seed = seed
        self.attempts: list[PictureAttempt] = [PictureAttempt(prepared, prepared.lane(seed))]
        self.outcome: Deliver | Withhold | Broken | None = None

    @property
    def lane(self) -> Lane:
        """The lane of the last attempt."""
        return self.attempts[-1].lane

    @property
    def awaits_inspection(self) -> bool:
        """Whether its last attempt is finished and not inspected yet."""
        return self.outcome is None and self.lane.done

    @property
    def delivered(self) -> PictureAttempt | None:
        """The attempt whose picture is delivered; None where none is."""
        return self.attempts[self.outcome.attempt] if isinstance(self.outcome, Deliver) else None

    def decoded(self) -> Image.Image | None:
        """The picture of the last attempt, which is finished; None where it broke, as `outcome` then says."""
        last = self.attempts[-1]
        try:
            if last.lane.broken is not None:
                raise PictureError(last.lane.broken)
            return last.prepared.picture(last.lane)
        except PictureError as error:
            self.outcome = Broken(f"picture {self.seed}: {error}")
            return None

    def begin_second_pass(self) -> None:
        """Draw on from the first pass, which is finished, where a second one follows it."""
        last = self.attempts[-1]
        if self.outcome is not None or not last.awaits_second_pass:
            return
        try:
            self.attempts[-1] = replace(last, lane=last.prepared.second_lane(last.lane), first=last.lane)
        except PictureError as error:
            self.outcome = Broken(f"picture {self.seed}: {error}")

    def finish_attempt(
        self,
        image: Image.Image,
        verdicts: Sequence[JudgeVerdict],
        wanted: Sequence[Wanted],
        limits: Limits,
        elapsed: float,
    ) -> None:
        """Decide about the last attempt, and begin another one where that is the decision.

        Args:
            image: the picture of the last attempt.
            verdicts: on that picture.
            wanted: what must be seen in it.
            limits: how often it may be made again.
            elapsed: seconds since the first attempt began.
        """
        last = self.attempts[-1]
        self.attempts[-1] = replace(last, image=image, verdicts=tuple(verdicts))
        attempts = [
            Attempt(attempt.prepared.plan, attempt.verdicts, tuple(wanted)) for attempt in self.attempts
        ]
        network = last.prepared.network
        decision = decide(attempts, self.seed, network.facts, limits, elapsed)
        if isinstance(decision, Again):
            prepared = PreparedPlan(network, decision.plan, last.prepared.encoder)
            self.attempts.append(PictureAttempt(prepared, prepared.lane(decision.plan.carried.seed)))
        else:
            self.outcome = decision


def inspect_finished(
    pictures: Sequence[PictureRun], inspection: Inspection, elapsed: float
) -> tuple[Lane, ...]:
    """Inspect every finished attempt and decide about it; the judge sees all of them together. Where a second
    pass follows the first, it begins instead.

    Args:
        pictures: of one plan.
        inspection: how they are inspected.
        elapsed: seconds since the first attempt began.

    Returns:
        the lanes of the attempts and passes that begin now.
    """
    ended = [picture for picture in pictures if picture.awaits_inspection]
    for picture in ended:
        picture.begin_second_pass()
    finished = [picture for picture in ended if picture.awaits_inspection]
    if not ended:
        return ()
    decoded = [(picture, image) for picture in finished if (image := picture.decoded()) is not None]
    plan = ended[0].attempts[0].prepared.plan
    verdicts, wanted = inspection.verdicts([image for _, image in decoded], plan), inspection.wanted(plan)
    for (picture, image), of_picture in zip(decoded, verdicts, strict=True):
        picture.finish_attempt(image, of_picture, wanted, inspection.limits, elapsed)
    return tuple(picture.lane for picture in ended if picture.outcome is None)
