"""Course: one picture on its way. It is made, looked at, made again, and in the end leaves or is withheld.

What is decided is decided by `negspace.avoid.escalation`; a course holds what the decisions are about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from PIL import Image

from negspace.avoid.escalation import Again, Attempt, Deliver, Limits, Withhold, decide, watched
from negspace.course.making import Making
from negspace.engine import Lane
from negspace.judge import Judge
from negspace.sight import Sight


@dataclass(frozen=True)
class Looking:
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

    def concepts(self, making: Making) -> tuple[str, ...]:
        """What is looked for: what the plan watches and the judge knows."""
        return tuple(one for one in watched(making.plan) if self.knows(one))


@dataclass(frozen=True, eq=False)
class Try:
    """One attempt at a picture.

    Attributes:
        making: its plan on the network.
        lane: the picture under way, or made.
        image: once made.
        sights: what was seen in it.
    """

    making: Making
    lane: Lane
    image: Image.Image | None = None
    sights: tuple[Sight, ...] = ()


@final
class Course:
    """One picture on its way.

    Args:
        making: the first plan.
        seed: of the picture.

    Attributes:
        seed: as given.
        tries: all attempts, the last of which may be under way.
        outcome: what became of it; None while it is under way.
    """

    def __init__(self, making: Making, seed: int) -> None:
        self.seed = seed
        self.tries: list[Try] = [Try(making, making.lane(seed))]
        self.outcome: Deliver | Withhold | None = None

    @property
    def lane(self) -> Lane:
        """The attempt under way, or the last one."""
        return self.tries[-1].lane

    @property
    def waits(self) -> bool:
        """Whether a finished attempt waits to be looked at."""
        return self.outcome is None and self.lane.done

    @property
    def delivered(self) -> Try | None:
        """The attempt whose picture leaves; None where none does."""
        return self.tries[self.outcome.attempt] if isinstance(self.outcome, Deliver) else None

    def looked(self, image: Image.Image, sights: Sequence[Sight], limits: Limits, elapsed: float) -> None:
        """The last attempt was made and looked at: decide, and begin another one if it takes that.

        Args:
            image: its picture.
            sights: what was seen in it.
            limits: how often it may be made again.
            elapsed: seconds since the first attempt began.
        """
        last = self.tries[-1]
        self.tries[-1] = Try(last.making, last.lane, image, tuple(sights))
        attempts = [Attempt(one.making.plan, one.sights) for one in self.tries]
        network = last.making.network
        decision = decide(attempts, self.seed, network.facts, limits, elapsed)
        if isinstance(decision, Again):
            making = Making(network, decision.plan, last.making.encoder)
            self.tries.append(Try(making, making.lane(decision.plan.carried.seed)))
        else:
            self.outcome = decision


def look(courses: Sequence[Course], looking: Looking, elapsed: float) -> tuple[Lane, ...]:
    """Look at every finished attempt, and decide; all pictures go to the judge together.

    Returns:
        the lanes of the attempts that begin now.
    """
    waiting = [course for course in courses if course.waits]
    images = [course.tries[-1].making.picture(course.lane) for course in waiting]
    concepts = looking.concepts(waiting[0].tries[0].making) if waiting else ()
    seen: list[tuple[Sight, ...]] = [() for _ in images]
    if looking.judge is not None and concepts:
        seen = looking.judge.look(images, concepts)
    for course, image, sights in zip(waiting, images, seen, strict=True):
        course.looked(image, sights, looking.limits, elapsed)
    return tuple(course.lane for course in waiting if course.outcome is None)
