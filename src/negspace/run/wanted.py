"""What must be seen in a picture: what a request or a policy names, and the subject of the prompt."""

from collections.abc import Callable, Sequence

from negspace.avoid.matching import Index, phrase
from negspace.planning.plan import Plan
from negspace.request import Check, Wanted, strictest

SUBJECT = "prompt"
"""The source of a wanted thing that the prompt alone names."""


def wanted_things(plan: Plan, concepts: Sequence[str], knows: Callable[[str], bool]) -> tuple[Wanted, ...]:
    """What must be seen in the pictures of a plan, each thing once; what is named comes first.

    The subject is the first thing in the prompt that a judge lists. It is looked for where something avoided
    is, and its check is that of what is avoided, at most "retry": a picture without its subject is made
    again, and is not withheld for that alone.

    Args:
        plan: the plan.
        concepts: what judges at hand can list.
        knows: whether one of them can be asked for a concept.
    """
    named = {phrase(thing.term): thing for thing in plan.carried.wanted}
    check = _subject_check(plan)
    subject = None if check == "none" else _subject(plan.positive, concepts)
    if subject is not None and knows(subject):
        named.setdefault(phrase(subject), Wanted(term=subject, check=check, source=SUBJECT))
    return tuple(named.values())


def _subject_check(plan: Plan) -> Check:
    check = strictest(("none", *(term.avoid.check for term in plan.terms)))
    return "retry" if check == "block" else check


def _subject(prompt: str, concepts: Sequence[str]) -> str | None:
    mentions = Index((phrase(concept), concept) for concept in concepts).mentions(prompt)
    return mentions[0].what if mentions else None
