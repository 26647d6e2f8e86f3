"""What becomes of a picture that was checked for what is avoided: deliver it, make it again, or withhold it.
Pure, and the same for the library, the command line and a server's queue.

    attempt -> decide -> Deliver | Again(plan) | Withhold

What a check asks for:

| check | seen | unknown | unchecked |
|---|---|---|---|
| flag | delivered with a flag | flag | flag |
| retry | made again, as long as the limits allow; then the best attempt, with a flag | flag | flag |
| block | made again likewise; if it is in every attempt, it is withheld | withheld at once | refused |

"Unknown": the judge knows the term and could not tell; it may be there. "Unchecked": no judge at hand knows
the term. That is known before anything is made, and a block is refused then (`refuse_unchecked`), unless the
term says "deliver" for it: its picture is delivered with a flag.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from negspace.avoid.matching import phrase
from negspace.avoid.terms import is_plain
from negspace.errors import PolicyError
from negspace.facts import ModelFacts
from negspace.frozen import Frozen
from negspace.planning.negative import CHECK_ONLY, needs_a_judge
from negspace.planning.plan import Plan, plan_governed
from negspace.prompt import parse
from negspace.records import JudgeVerdict
from negspace.request import LARGEST_SEED, Avoid

HEAVIER: Final = 1.25
HEAVIEST: Final = 2.0
STRONGER: Final = 1.15
STRONGEST: Final = 1.5
"""The most that the guidance scale is raised by, as a factor: beyond it pictures burn."""

Problem = Literal["seen", "unknown", "unchecked"]


class Limits(Frozen):
    """How often a picture is made again.

    Attributes:
        retries: attempts after the first.
        seconds: no attempt begins later than this after the first.
    """

    retries: Annotated[int, Field(ge=0, le=100)] = 3
    seconds: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 300.0


class Flag(Frozen):
    """A check of a picture that did not pass.

    Attributes:
        term: what was looked for.
        check: what the check asks for.
        problem: "seen", "unknown" where the judge could not tell, "unchecked" where no judge knows the term.
        why: in plain words.
    """

    term: str
    check: str
    problem: Problem
    why: str


@dataclass(frozen=True)
class Attempt:
    """One picture that was made, and the verdicts on it.

    Attributes:
        plan: how it was made.
        verdicts: one for each watched concept that a judge knows.
    """

    plan: Plan
    verdicts: tuple[JudgeVerdict, ...]


@dataclass(frozen=True)
class Deliver:
    """The picture of an attempt is delivered.

    Attributes:
        attempt: its number, from 0.
        flags: its checks that did not pass.
    """

    attempt: int
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True)
class Again:
    """Another picture is made by this plan."""

    plan: Plan


@dataclass(frozen=True)
class Withhold:
    """No picture is delivered.

    Attributes:
        flags: why not, of the last attempt.
    """

    flags: tuple[Flag, ...]


Decision = Deliver | Again | Withhold


def concept_of(avoid: Avoid, dialect: str) -> str:
    """What a judge is asked for: the words of a term without syntax."""
    return avoid.term if is_plain(avoid.term) else parse(avoid.term, dialect).clean


def watched_concepts(plan: Plan) -> tuple[str, ...]:
    """Everything that a judge is to look for: what has a check, and what else is avoided, for the record."""
    # a negative weight asks for a term instead of avoiding it
    avoided = (term.avoid for term in plan.terms if term.avoid.check != "none" or term.avoid.weight > 0)
    concepts = (concept_of(avoid, plan.negative_dialect) for avoid in avoided)
    return tuple(dict.fromkeys(concept for concept in concepts if phrase(concept)))


def refuse_unchecked(plan: Plan, knows: Callable[[str], bool]) -> None:
    """Stop where a term can be enforced only by checking the pictures, and no judge at hand knows it.

    That is a locked term that the model cannot be told, and a block that may not go unchecked.

    Args:
        plan: the plan.
        knows: whether a judge at hand can be asked for a concept.

    Raises:
        PolicyError: there is such a term.
    """
    unchecked = [term for term in plan.terms if not knows(concept_of(term.avoid, plan.negative_dialect))]
    for term in unchecked:
        if term.avoid.locked and term.channel == CHECK_ONLY:
            raise PolicyError(
                f"{term.avoid.term!r} is locked by {term.avoid.source}, this model cannot be told "
                f"({plan.why_not}), and no judge at hand looks for it in the pictures; "
                "give one that knows it"
            )
    blocks = [term.avoid for term in unchecked if needs_a_judge(term.avoid)]
    if blocks:
        terms = ", ".join(f"{avoid.term!r}" for avoid in blocks)
        sources = ", ".join(dict.fromkeys(avoid.source for avoid in blocks))
        raise PolicyError(
            f"no judge at hand can look for {terms}, which {sources} blocks; give one that knows it (a CLIP "
            "or SigLIP folder knows any words), or accept pictures that nobody looked at: unchecked: "
            "deliver in the policy or the term"
        )


def decide(
    attempts: Sequence[Attempt], seed: int, facts: ModelFacts, limits: Limits, elapsed: float
) -> Decision:
    """What becomes of a picture now.

    Args:
        attempts: all so far, the last one just made.
        seed: of the picture, from which those of further attempts follow.
        facts: of the model.
        limits: how often it may be made again.
        elapsed: seconds since the first attempt began.
    """
    flags = [tuple(_flags(attempt)) for attempt in attempts]
    last = flags[-1]
    hopeless = any(flag.check == "block" and flag.problem == "unknown" for flag in last)
    terms = tuple(flag.term for flag in last if flag.problem == "seen" and flag.check in ("retry", "block"))
    if terms and not hopeless and len(attempts) <= limits.retries and elapsed < limits.seconds:
        return Again(escalated(attempts[0].plan, terms, seed, len(attempts), facts))
    deliverable = [number for number, own in enumerate(flags) if not any(map(_forbids, own))]
    if not deliverable:
        return Withhold(last)
    best = min(deliverable, key=lambda number: (_seen(flags[number], "retry"), len(flags[number])))
    return Deliver(best, flags[best])


def escalated(plan: Plan, terms: Sequence[str], seed: int, number: int, facts: ModelFacts) -> Plan:
    """The plan of a further attempt: what was seen weighs more and is avoided in every step, the guidance is
    stronger, the seed another. The same for the same arguments. No policy is read again.

    Args:
        plan: of the first attempt.
        terms: what was seen.
        seed: of the picture.
        number: of the further attempt, from 1.
        facts: of the model.
    """
    keys = {phrase(term) for term in terms}
    update: dict[str, object] = {"seed": retry_seed(seed, number), "n": 1}
    if plan.acts and plan.carried.avoid is not None and not isinstance(plan.carried.avoid, str):
        update["avoid"] = tuple(
            _heavier(avoid, number) if phrase(concept_of(avoid, plan.negative_dialect)) in keys else avoid
            for avoid in plan.carried.avoid
        )
        if plan.scale > 1.0 and not facts.distilled:
            update["scale"] = round(plan.scale * min(STRONGER ** max(number - 2, 0), STRONGEST), 3)
    carried = plan.carried.model_copy(update=update)
    return plan_governed(carried, plan.negative_dialect, facts, plan)


def retry_seed(seed: int, number: int) -> int:
    """The seed of a further attempt: it follows from the picture's own and the number alone, so that picture
    i of n stays the picture that seed + i gives alone."""
    digest = hashlib.sha256(f"{seed} attempt {number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") & LARGEST_SEED


def _heavier(avoid: Avoid, number: int) -> Avoid:
    weight = round(min(avoid.weight * HEAVIER ** (number - 1), max(HEAVIEST, avoid.weight)), 3)
    return avoid.model_copy(update={"weight": weight, "window": (0.0, 1.0)})


def _flags(attempt: Attempt) -> Iterator[Flag]:
    verdicts = {phrase(verdict.concept): verdict for verdict in attempt.verdicts}
    for term in attempt.plan.terms:
        if term.avoid.check == "none":
            continue
        concept = concept_of(term.avoid, attempt.plan.negative_dialect)
        verdict = verdicts.get(phrase(concept))
        if verdict is None:
            why = f"nothing looked for {concept!r} in the picture: no judge at hand knows it"
            yield Flag(term=concept, check=term.avoid.check, problem="unchecked", why=why)
        elif verdict.verdict != "absent":
            yield Flag(term=concept, check=term.avoid.check, problem=verdict.verdict, why=str(verdict))


def _forbids(flag: Flag) -> bool:
    return flag.check == "block" and flag.problem != "unchecked"


def _seen(flags: Sequence[Flag], check: str) -> int:
    return sum(flag.check == check and flag.problem == "seen" for flag in flags)
