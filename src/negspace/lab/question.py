"""Question: what is to be proved, settled before the first picture; and what a study asks for on its way."""

from dataclasses import dataclass
from typing import final

from negspace.avoid.terms import content_words
from negspace.lab.arms import Ablation, Arm
from negspace.lab.picture_store import Shot
from negspace.lab.verdicts import ProofSizes, TermKind
from negspace.planning.plan import Plan
from negspace.request import Avoid, Request


@final
@dataclass(frozen=True)
class Other:
    """Another scale, rule or time to tell the list, to be tried.

    Attributes:
        told: in words.
        scale, rule, window: what differs; None is as asked.
    """

    told: str
    scale: float | None = None
    rule: str | None = None
    window: tuple[float, float] | None = None

    def arm(self, terms: tuple[Avoid, ...]) -> Arm:
        """The arm that avoids these terms so."""
        if self.window is not None:
            terms = tuple(one.model_copy(update={"window": self.window}) for one in terms)
        return Arm(self.told, terms, self.scale, self.rule)


@final
@dataclass(frozen=True)
class Question:
    """What is to be proved.

    Attributes:
        prompts: seed i is made with prompt i modulo their number.
        base: the request that every picture starts from.
        plan: of the whole list with the first prompt.
        arms: the list, whole, term by term, and the controls.
        others: what else to try with the smallest list.
        strength: the scale at which plain guidance is as strong as with the whole list, or why it cannot be
            known.
        sizes, alpha, smallest: as in `Findings`.
    """

    prompts: tuple[str, ...]
    base: Request
    plan: Plan
    arms: Ablation
    others: tuple[Other, ...]
    strength: float | str
    sizes: ProofSizes
    alpha: float
    smallest: float

    @property
    def terms(self) -> tuple[Avoid, ...]:
        """The list."""
        return self.arms.arm("whole").avoid or ()

    @property
    def tested(self) -> tuple[Avoid, ...]:
        """The terms that pictures can tell something about."""
        return tuple(one for one in self.terms if self.idle(one.term) is None)

    def idle(self, term: str) -> tuple[TermKind, str] | None:
        """Why no picture needs to be made to tell what a term does; None where one does."""
        planned = next(one for one in self.plan.terms if one.avoid.term == term)
        if not self.plan.acts:
            return "inert", f"nothing that is avoided can act: {self.plan.why_not}"
        if planned.channel in ("nothing", "check only"):
            return "inert", "the model is not told about it"
        if planned.avoid.weight == 0:
            return "inert", "its weight is 0"
        if planned.known is False and not _partly_known(term, planned.unknown):
            words = ", ".join(planned.unknown)
            return "unknown", f"the text encoder has learned none of its words ({words})"
        return None

    def shot(self, arm: Arm, seed: int) -> Shot:
        """The picture of an arm on a seed, counted from the first."""
        base = self.base
        request = base.model_copy(
            update={
                "prompt": self.prompts[seed % len(self.prompts)],
                "seed": base.seed + seed,
                "avoid": arm.avoid,
                "scale": base.scale if arm.scale is None else arm.scale,
                "rule": base.rule if arm.rule is None else arm.rule,
            }
        )
        return Shot(request, arm.copy)


def _partly_known(term: str, unknown: tuple[str, ...]) -> bool:
    return any(word not in unknown for word in content_words(term))


@final
@dataclass(frozen=True)
class Ask:
    """What a study needs to go on.

    Attributes:
        stage: what for, in words.
        shots: the pictures.
        ahead: how many more there may be after these, at most.
    """

    stage: str
    shots: tuple[Shot, ...]
    ahead: int
