"""What becomes of a picture that was checked for what is avoided: deliver it, make it again, or withhold it.
Pure, and the same for the library, the command line and a server's queue.

    attempt -> decide -> Deliver | Again(plan) | Withhold

What a check asks for:

| check | seen | unknown | unchecked |
|---|---|---|---|
| flag | delivered with a flag | flag | flag |
| retry | made again, as long as the limits allow; then the best attempt, with a flag | flag | flag |
| block | made again likewise; if it is in every attempt, it is withheld | withheld at once | refused |

A wanted thing is checked in the same way: that it is missing counts as something avoided that is seen.

"Unknown": the judge knows the term and could not tell; it may be there. "Unchecked": no judge at hand knows
the term. That is known before anything is made, and a block is refused then (`refuse_unchecked`), unless the
term says "deliver" for it: its picture is delivered with a flag.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from negspace.avoid.matching import Phrase, has_words, phrase
from negspace.avoid.terms import is_plain
from negspace.errors import PolicyError
from negspace.facts import ModelFacts
from negspace.frozen import Frozen
from negspace.planning.locked import around
from negspace.planning.negative import CHECK_ONLY, needs_a_judge
from negspace.planning.plan import Plan, plan_governed
from negspace.prompt import parse
from negspace.records import JudgeVerdict
from negspace.request import LARGEST_SEED, Avoid, Wanted

HEAVIER: Final = 1.25
HEAVIEST: Final = 2.0
STRONGER: Final = 1.15
STRONGEST: Final = 1.5
"""The most that the guidance scale is raised by, as a factor: beyond it pictures burn."""

Problem = Literal["seen", "missing", "unknown", "unchecked"]

_FAILED: Final = ("seen", "missing")
"""The problems that another picture may be free of."""


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
        problem: "seen", "missing" where a wanted thing was not seen, "unknown" where the judge could not
            tell, "unchecked" where no judge knows the term.
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
        wanted: what must be seen in it.
    """

    plan: Plan
    verdicts: tuple[JudgeVerdict, ...]
    wanted: tuple[Wanted, ...] = ()


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
    return tuple(dict.fromkeys(concept for concept in concepts if has_words(concept)))


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
    avoided = [term.avoid for term in unchecked if needs_a_judge(term.avoid)]
    wanted = [thing for thing in plan.carried.wanted if thing.check == "block" and not knows(thing.term)]
    if blocks := [*avoided, *wanted]:
        terms = ", ".join(f"{thing.term!r}" for thing in blocks)
        sources = ", ".join(dict.fromkeys(thing.source for thing in blocks))
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
    failed = [
        flag for flag in last if flag.problem in ("seen", "missing") and flag.check in ("retry", "block")
    ]
    if failed and not hopeless and len(attempts) <= limits.retries and elapsed < limits.seconds:
        terms = tuple(flag.term for flag in failed if flag.problem == "seen")
        return Again(escalated(attempts[0].plan, terms, seed, len(attempts), facts))
    deliverable = [number for number, own in enumerate(flags) if not any(map(_forbids, own))]
    if not deliverable:
        return Withhold(last)
    best = min(deliverable, key=lambda number: (*_failures(flags[number]), -_sureness(attempts[number])))
    return Deliver(best, flags[best])


def escalated(plan: Plan, terms: Sequence[str], seed: int, number: int, facts: ModelFacts) -> Plan:
    """The plan of a further attempt: what was seen weighs more and is avoided in every step, the guidance is
    stronger, from the second attempt on by another rule where a policy names one, the seed is another. Where
    nothing was seen and only something wanted was missing, the seed alone changes: a stronger push would
    rather take away more of it. The same for the same arguments. No policy is read again.

    Args:
        plan: of the first attempt.
        terms: what was seen.
        seed: of the picture.
        number: of the further attempt, from 1.
        facts: of the model.
    """
    update: dict[str, object] = {"seed": retry_seed(seed, number), "n": 1}
    if terms and plan.acts and plan.carried.avoid is not None and not isinstance(plan.carried.avoid, str):
        update |= _stronger(plan, plan.carried.avoid, terms, number, facts)
    carried = plan.carried.model_copy(update=update)
    return plan_governed(carried, plan.negative_dialect, facts, plan)


def _stronger(
    plan: Plan, avoids: Sequence[Avoid], terms: Sequence[str], number: int, facts: ModelFacts
) -> dict[str, object]:
    """The fields of a request in which what was seen is avoided more strongly."""
    keys = {phrase(term) for term in terms}
    fields: dict[str, object] = {
        "avoid": tuple(
            _heavier(avoid, number) if phrase(concept_of(avoid, plan.negative_dialect)) in keys else avoid
            for avoid in avoids
        )
    }
    if plan.scale > 1.0 and not facts.distilled:
        fields["scale"] = round(plan.scale * min(STRONGER ** max(number - 2, 0), STRONGEST), 3)
    if plan.stronger and number > 1:
        rule = plan.stronger[min(number - 2, len(plan.stronger) - 1)]
        fields["rule"] = around(rule) if plan.groups else rule
    return fields


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
    yield from _wanted_flags(attempt, verdicts)


def _wanted_flags(attempt: Attempt, verdicts: Mapping[Phrase, JudgeVerdict]) -> Iterator[Flag]:
    for thing in attempt.wanted:
        verdict = verdicts.get(phrase(thing.term))
        if thing.check == "none":
            continue
        if verdict is None:
            why = f"nothing looked for {thing.term!r}, which is wanted: no judge at hand knows it"
            yield Flag(term=thing.term, check=thing.check, problem="unchecked", why=why)
        elif verdict.verdict != "seen":
            problem = "missing" if verdict.verdict == "absent" else "unknown"
            why = f"wanted and not seen: {verdict}"
            yield Flag(term=thing.term, check=thing.check, problem=problem, why=why)


def _forbids(flag: Flag) -> bool:
    return flag.check == "block" and flag.problem != "unchecked"


def _failures(flags: Sequence[Flag]) -> tuple[int, int]:
    """Least for the best attempt: checks that asked for another one, then all that did not pass."""
    return sum(flag.check == "retry" and flag.problem in _FAILED for flag in flags), len(flags)


def _sureness(attempt: Attempt) -> float:
    """How clearly the judge saw what is wanted: the sum of its scores above their thresholds."""
    keys = {phrase(thing.term) for thing in attempt.wanted}
    return sum(
        verdict.score - verdict.threshold
        for verdict in attempt.verdicts
        if phrase(verdict.concept) in keys and verdict.score is not None and verdict.threshold is not None
    )
