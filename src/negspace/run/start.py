"""The picture that a request starts from, under locked terms: a judge looks at it before anything is made.

| the judge, of the locked term | without a mask | where the mask redraws | where the mask keeps |
|---|---|---|---|
| does not see it | as asked | as asked | as asked |
| sees it, or cannot tell, or no judge knows it | strength 1; with a block, refused | strength 1 | refused |

Strength 1 leaves nothing of the picture where it is redrawn, and is a finding.

A term whose block may go unchecked does not keep a picture that no judge can look at from being used.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from negspace.errors import PolicyError
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.planning.negative import PlannedTerm
from negspace.planning.plan import Plan, plan_governed
from negspace.policy.policy import is_locked_by_policy
from negspace.records import JudgeVerdict
from negspace.request import Start
from negspace.run.attempts import Inspection
from negspace.run.escalation import concept_of

_GREY = (128, 128, 128)


@dataclass(frozen=True)
class _Sighting:
    """A locked term that the start picture may show.

    Attributes:
        term: the term.
        why: what the judge says, in plain words.
        kept: whether it is in what a mask keeps.
    """

    term: PlannedTerm
    why: str
    kept: bool


def with_checked_start(plan: Plan, facts: ModelFacts, inspection: Inspection) -> Plan:
    """The plan whose start picture shows nothing locked, or with the strength that leaves nothing of it.

    Args:
        plan: of the request.
        facts: of the model.
        inspection: how pictures are inspected.

    Raises:
        PolicyError: the picture may show what is blocked, or what is locked where its mask keeps it.
    """
    start = plan.carried.start
    locked = [term for term in plan.terms if is_locked_by_policy(term.avoid)]
    if start is None or not locked or _keeps_nothing(start):
        return plan
    sightings = list(_sightings(plan, start, locked, inspection))
    for sighting in sightings:
        if sighting.kept or (start.mask is None and sighting.term.avoid.check == "block"):
            raise PolicyError(_refusal(sighting))
    looked = Finding("start", f"the start picture was looked at first for {_names(locked)}", level="note")
    if not sightings:
        return plan.model_copy(update={"findings": (*plan.findings, looked)})
    text = f"strength is 1 instead of {start.strength:g}, so that nothing of the start picture is left"
    findings = (Finding("start", f"{text}: {sighting.why}") for sighting in sightings)
    carried = plan.carried.model_copy(update={"start": start.model_copy(update={"strength": 1.0})})
    replanned = plan_governed(carried, plan.negative_dialect, facts, plan)
    update = {"findings": (*plan.findings, looked, *findings), "lora_stamps": plan.lora_stamps}
    return replanned.model_copy(update=update)


def _keeps_nothing(start: Start) -> bool:
    return start.strength == 1.0 and start.mask is None


def _sightings(
    plan: Plan, start: Start, locked: Sequence[PlannedTerm], inspection: Inspection
) -> Iterator[_Sighting]:
    """What the judge sees of locked terms, or cannot exclude: in what a mask keeps, and in all that stays."""
    concepts = [concept_of(term.avoid, plan.negative_dialect) for term in locked]
    pictures = _parts_that_stay(start)
    verdicts = inspection.look([picture for picture, _ in pictures], concepts)
    for (_, kept), of_picture in zip(pictures, verdicts, strict=True):
        for term, concept in zip(locked, concepts, strict=True):
            why = _why_not_absent(concept, of_picture)
            unlooked = concept not in {verdict.concept for verdict in of_picture}
            if why is not None and not (unlooked and _may_go_unchecked(term)):
                yield _Sighting(term, why, kept)


def _parts_that_stay(start: Start) -> list[tuple[Image.Image, bool]]:
    """What a judge must look at, and whether every pixel of it is kept: there what is redrawn is grey."""
    picture = start.picture.image()
    parts = [] if start.strength == 1.0 else [(picture, False)]
    if start.mask is None:
        return parts
    kept = Image.composite(Image.new("RGB", picture.size, _GREY), picture, start.mask.image())
    return [(kept, True), *parts]


def _why_not_absent(concept: str, verdicts: Sequence[JudgeVerdict]) -> str | None:
    """Why a concept may be in a picture; None where a judge says that it is not."""
    own = next((verdict for verdict in verdicts if verdict.concept == concept), None)
    if own is None:
        return f"no judge at hand can look for {concept!r}, which is locked"
    return None if own.verdict == "absent" else str(own)


def _may_go_unchecked(term: PlannedTerm) -> bool:
    return term.avoid.check == "block" and term.avoid.unchecked == "deliver"


def _refusal(sighting: _Sighting) -> str:
    avoid = sighting.term.avoid
    place = "what the mask keeps of the start picture" if sighting.kept else "the start picture"
    return (
        f"{avoid.term!r} is locked by {avoid.source}, and {place} may show it ({sighting.why}); "
        "start from another picture, redraw that part, or use none"
    )


def _names(terms: Sequence[PlannedTerm]) -> str:
    return ", ".join(repr(term.avoid.term) for term in terms)
