"""Escalation: what becomes of a picture in which something avoided was looked for. Pure, and the same for
everyone who makes pictures: the library, the command line and a server's queue.

    attempt -> decide -> Deliver | Again(plan) | Withhold

What a check asks for:

| check | seen | could not be told | nobody looked |
|---|---|---|---|
| flag | delivered with a flag | flag | flag |
| retry | made again, as long as the limits allow; then the best attempt, with a flag | flag | flag |
| block | made again likewise; if it is in every attempt, it is withheld | withheld at once | refused |

"Nobody looked" is a term that no judge at hand knows: that is known before anything is made, and a block is
refused then (`refuse_unheld`), unless the term says "deliver" for it: its picture leaves with a flag. A judge
that knows a term and fails to answer is another matter: what it would have said may be yes.
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
from negspace.planning.negative import CHECK_ONLY, PlannedTerm, needs_a_judge
from negspace.planning.plan import Plan, plan_governed
from negspace.prompt import parse
from negspace.records import JudgeVerdict
from negspace.request import LARGEST_SEED, Avoid

HEAVIER: Final = 1.25
HEAVIEST: Final = 2.0
STRONGER: Final = 1.15
STRONGEST: Final = 1.5
"""The most that the guidance scale is raised by, as a factor: beyond it pictures burn."""

Trouble = Literal["seen", "unknown", "unlooked"]


class Limits(Frozen):
    """How often a picture is made again.

    Attributes:
        retries: attempts after the first.
        seconds: no attempt begins later than this after the first.
    """

    retries: Annotated[int, Field(ge=0, le=100)] = 3
    seconds: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 300.0


class Flag(Frozen):
    """What is told of a picture with a check that did not pass.

    Attributes:
        term: what was looked for.
        check: what the check asks for.
        trouble: "seen", "unknown" where the judge could not tell, "unlooked" where no judge knows it.
        why: in plain words.
    """

    term: str
    check: str
    trouble: Trouble
    why: str


@dataclass(frozen=True)
class Attempt:
    """One picture that was made, and what was seen in it.

    Attributes:
        plan: how.
        sights: one for each watched term that a judge knows.
    """

    plan: Plan
    verdicts: tuple[JudgeVerdict, ...]


@dataclass(frozen=True)
class Deliver:
    """The picture of an attempt leaves.

    Attributes:
        attempt: its number, from 0.
        flags: what must be told of it.
    """

    attempt: int
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True)
class Again:
    """Another picture is made by this plan."""

    plan: Plan


@dataclass(frozen=True)
class Withhold:
    """No picture leaves.

    Attributes:
        flags: why not, of the last attempt.
    """

    flags: tuple[Flag, ...]


Decision = Deliver | Again | Withhold


def concept_of(term: PlannedTerm, dialect: str) -> str:
    """What a judge is asked for: the words of a term without syntax."""
    said = term.avoid.term
    return said if is_plain(said) else parse(said, dialect).clean


def watched(planned: Plan) -> tuple[str, ...]:
    """Everything that a judge is to look for: what has a check, and what else is avoided, for the record."""
    told = (concept_of(term, planned.negative_dialect) for term in planned.terms if _is_avoided(term))
    return tuple(dict.fromkeys(concept for concept in told if phrase(concept)))


def refuse_unheld(planned: Plan, knows: Callable[[str], bool]) -> None:
    """Stop where only looking at the pictures could uphold a term, and nobody at hand can.

    That is a locked term that the model cannot be told, and a block that may not go unchecked.

    Args:
        planned: the plan.
        knows: whether a judge at hand can be asked for a concept.

    Raises:
        PolicyError: there is such a term.
    """
    unseen = [term for term in planned.terms if not knows(concept_of(term, planned.negative_dialect))]
    for term in unseen:
        if term.avoid.locked and term.channel == CHECK_ONLY:
            raise PolicyError(
                f"{term.avoid.term!r} is locked by {term.avoid.source}, this model cannot be told "
                f"({planned.why_not}), and no judge at hand looks for it in the pictures; "
                "give one that knows it"
            )
    blocks = [term.avoid for term in unseen if needs_a_judge(term.avoid)]
    if blocks:
        named = ", ".join(f"{one.term!r}" for one in blocks)
        asked = ", ".join(dict.fromkeys(one.source for one in blocks))
        raise PolicyError(
            f"no judge at hand can look for {named}, which {asked} blocks; give one that knows it (a CLIP or "
            "SigLIP folder knows any words), or accept pictures that nobody looked at: unchecked: deliver in "
            "the policy or the term"
        )


def has_checks(planned: Plan) -> bool:
    """Whether anything is to be looked for in the pictures."""
    return any(term.avoid.check != "none" for term in planned.terms)


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
    helpless = any(one.check == "block" and one.trouble == "unknown" for one in last)
    wanting = [one for one in last if one.trouble == "seen" and one.check in ("retry", "block")]
    if wanting and not helpless and len(attempts) <= limits.retries and elapsed < limits.seconds:
        terms = tuple(one.term for one in wanting)
        return Again(escalated(attempts[0].plan, terms, seed, len(attempts), facts))
    clean = [number for number, one in enumerate(flags) if not any(map(_forbids, one))]
    if not clean:
        return Withhold(last)
    best = min(clean, key=lambda number: (_seen(flags[number], "retry"), len(flags[number])))
    return Deliver(best, flags[best])


def escalated(planned: Plan, terms: Sequence[str], seed: int, number: int, facts: ModelFacts) -> Plan:
    """The plan of a further attempt: what was seen weighs more and is told all the time, the guidance is
    stronger, the seed another. The same for the same arguments.

    Args:
        planned: the plan of the first attempt.
        terms: what was seen.
        seed: of the picture.
        number: of the further attempt, from 1.
        facts: of the model.
    """
    keys = {phrase(term) for term in terms}
    update: dict[str, object] = {"seed": retry_seed(seed, number), "n": 1}
    if planned.acts and planned.carried.avoid is not None and not isinstance(planned.carried.avoid, str):
        update["avoid"] = tuple(
            _louder(one, number) if _key(one, planned.negative_dialect) in keys else one
            for one in planned.carried.avoid
        )
        if planned.scale > 1.0 and not facts.distilled:
            update["scale"] = round(planned.scale * min(STRONGER ** max(number - 2, 0), STRONGEST), 3)
    carried = planned.carried.model_copy(update=update)
    return plan_governed(carried, planned.negative_dialect, facts, planned)


def retry_seed(seed: int, number: int) -> int:
    """The seed of a further attempt: it follows from the picture's own and the number alone, so that picture
    i of n stays the picture that seed + i gives alone."""
    digest = hashlib.sha256(f"{seed} attempt {number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") & LARGEST_SEED


def _louder(one: Avoid, number: int) -> Avoid:
    heavier = round(min(one.weight * HEAVIER ** (number - 1), max(HEAVIEST, one.weight)), 3)
    return one.model_copy(update={"weight": heavier, "window": (0.0, 1.0)})


def _key(one: Avoid, dialect: str) -> tuple[str, ...]:
    return phrase(one.term if is_plain(one.term) else parse(one.term, dialect).clean)


def _is_avoided(term: PlannedTerm) -> bool:
    """A weight below nothing asks for a thing."""
    return term.avoid.check != "none" or term.avoid.weight > 0


def _flags(attempt: Attempt) -> Iterator[Flag]:
    sights = {phrase(sight.concept): sight for sight in attempt.verdicts}
    for term in attempt.plan.terms:
        if term.avoid.check == "none":
            continue
        concept = concept_of(term, attempt.plan.negative_dialect)
        sight = sights.get(phrase(concept))
        if sight is None:
            why = f"nothing looked for {concept!r} in the picture: no judge at hand knows it"
            yield Flag(term=concept, check=term.avoid.check, trouble="unlooked", why=why)
        elif sight.verdict != "absent":
            yield Flag(term=concept, check=term.avoid.check, trouble=sight.verdict, why=str(sight))


def _forbids(flag: Flag) -> bool:
    return flag.check == "block" and flag.trouble != "unlooked"


def _seen(flags: Sequence[Flag], check: str) -> int:
    return sum(flag.check == check and flag.trouble == "seen" for flag in flags)
