"""Record: courses that have come to their end, as a receipt."""

import hashlib
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence

from negspace import __version__
from negspace.avoid.matching import phrase
from negspace.engine import Batching, LaneStats
from negspace.engine.sides import Sides
from negspace.findings import Finding
from negspace.planning.negative import PlannedTerm
from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from negspace.records import (
    AttemptRecord,
    ImageRecord,
    JudgeRecord,
    ModelRecord,
    SideRecord,
    TermRecord,
)
from negspace.run.attempts import Inspection, PictureAttempt, PictureRun, PreparedPlan
from negspace.run.escalation import Deliver, Flag, Withhold, concept_of

_UNTIMELY = "no step fell into the time it was told for"
_BLACK = "the mask is black everywhere, so nothing is redrawn"


def record(
    making: PreparedPlan, courses: Sequence[PictureRun], looking: Inspection, batching: Batching
) -> Receipt:
    """The receipt of pictures that were made, those that are withheld included.

    Args:
        making: the plan of the first attempts.
        courses: one a picture, all decided.
        looking: how they were looked at.
        width: rows that went through the network at once.
    """
    network, planned, casting = making.network, making.plan, making.casting
    accounts = [[one.lane.stats for one in course.attempts] for course in courses]
    acted = (
        planned.acts
        and making.redraws
        and any(account.negative_steps for of_course in accounts for account in of_course)
    )
    why_not = None if acted else planned.why_not or (_UNTIMELY if making.redraws else _BLACK)
    records = [
        (course, _image(course, of_course, acted))
        for course, of_course in zip(courses, accounts, strict=True)
    ]
    negative = casting.negative
    receipt = Receipt(
        request=planned.request.without_pixels(),
        carried=planned.carried.without_pixels().model_copy(update={"policies": ()}),
        negative_dialect=planned.negative_dialect,
        model=ModelRecord(
            name=network.facts.name,
            family=network.facts.family,
            fingerprint=network.fingerprint(),
            dtype=str(network.dtype).removeprefix("torch."),
            device=str(network.device),
            rows=batching.rows,
            parts=network.parts,
        ),
        judge=_judge(looking),
        rule=planned.rule,
        scale=planned.scale,
        steps=planned.steps,
        sampler=planned.sampler,
        width=planned.width,
        height=planned.height,
        positive=casting.positive,
        negative=negative,
        moved=planned.moved,
        embeddings=planned.embeddings,
        terms=tuple(_terms(planned, casting, negative, accounts, why_not)),
        negative_acted=acted,
        why_not=why_not,
        evaluations=_summed(account.evaluations for of_course in accounts for account in of_course),
        images=tuple(image for course, image in records if course.delivered is not None),
        withheld=tuple(image for course, image in records if course.delivered is None),
        findings=(*_lasting(planned.findings), *casting.findings, *_flagged(courses), *_unmoved(making)),
        versions={"negspace": __version__, "python": platform.python_version(), **network.versions},
    )
    return receipt.model_copy(update={"terms": receipt.seen_in(receipt.terms)})


def _judge(looking: Inspection) -> JudgeRecord | None:
    judge = looking.judge
    if judge is None:
        return None
    limits = looking.limits
    return JudgeRecord(
        name=judge.name, fingerprint=judge.fingerprint(), retries=limits.retries, seconds=limits.seconds
    )


def _image(course: PictureRun, accounts: Sequence[LaneStats], acted: bool) -> ImageRecord:
    """The record of the picture that leaves, or of the last attempt where none does."""
    outcome = course.outcome
    if outcome is None:
        raise ValueError("a course that is under way has no record")
    number = outcome.attempt if isinstance(outcome, Deliver) else len(course.attempts) - 1
    account = accounts[number]
    looked = len(course.attempts) > 1 or any(one.verdicts for one in course.attempts)
    attempts = (_attempt(one, own) for one, own in zip(course.attempts, accounts, strict=True))
    return ImageRecord(
        seed=course.seed,
        sha256=_sha256(course.attempts[number]),
        evaluations=_summed(own.evaluations for own in accounts),
        negative_steps=account.negative_steps if acted else 0,
        push=account.push,
        omega=account.omega,
        attempts=tuple(attempts) if looked else (),
        delivered=number if isinstance(outcome, Deliver) else None,
        flags=tuple(f"{flag.check}: {flag.why}" for flag in outcome.flags),
    )


def _attempt(one: PictureAttempt, account: LaneStats) -> AttemptRecord:
    planned = one.prepared.plan
    carried = planned.carried
    return AttemptRecord(
        seed=one.lane.seed,
        scale=planned.scale,
        avoid=carried.avoid,
        sha256=_sha256(one),
        evaluations=account.evaluations,
        verdicts=one.verdicts,
    )


def _sha256(one: PictureAttempt) -> str:
    if one.image is None:
        raise ValueError("an attempt that was not looked at has no picture")
    return hashlib.sha256(one.image.tobytes()).hexdigest()


def _terms(
    planned: Plan,
    casting: Sides,
    negative: SideRecord,
    accounts: Sequence[Sequence[LaneStats]],
    why_not: str | None,
) -> Iterator[TermRecord]:
    cut = {phrase(chunk.text) for chunk in negative.tokens if chunk.cut}
    for term in planned.terms:
        tokens = casting.tokens_of(term.avoid.term)
        told = sum(_steps(term, account, planned.steps) for of_course in accounts for account in of_course)
        inert = why_not or _why_inert(term, tokens, cut, told)
        yield TermRecord(
            **term.avoid.model_dump(),
            concept=concept_of(term, planned.negative_dialect),
            span=term.span,
            channel=term.channel,
            tokens=tokens,
            known=term.known,
            unknown=term.unknown,
            origins=term.origins,
            effect="active" if inert is None else "inert",
            why_not=inert,
            steps=told if inert is None else 0,
        )


def _why_inert(term: PlannedTerm, tokens: Sequence[str], cut: set[tuple[str, ...]], told: int) -> str | None:
    """Why a term did nothing although the negative did something."""
    if term.avoid.weight == 0:
        return "it weighs 0"
    if not told:
        return _UNTIMELY
    if not tokens and any(set(phrase(term.avoid.term)) <= set(text) for text in cut):
        return "its words were cut off before the encoder"
    return None


def _steps(term: PlannedTerm, account: LaneStats, steps: int) -> int:
    """At how many evaluations of a picture the network was told a term, at most."""
    count = len(account.push)
    start, stop = term.avoid.window
    within = sum(start <= (index * steps // count) / steps < stop for index in range(count))
    return min(within, account.negative_steps)


def _flagged(courses: Iterable[PictureRun]) -> Iterator[Finding]:
    """What a check found, each thing once: with its picture, but for what nobody looked for in any."""
    unlooked: dict[str, Flag] = {}
    for course in courses:
        outcome = course.outcome
        flags = outcome.flags if isinstance(outcome, Deliver | Withhold) else ()
        for flag in flags:
            if flag.trouble == "unlooked":
                unlooked.setdefault(flag.term, flag)
            elif isinstance(outcome, Deliver):
                yield Finding(
                    "flagged", f"picture {course.seed} is delivered with a flag: {flag.why}", side="avoid"
                )
            else:
                yield Finding("withheld", f"picture {course.seed} is withheld: {flag.why}", side="avoid")
    for flag in unlooked.values():
        yield Finding("unchecked", f"{flag.why} ({flag.check} was asked)", side="avoid")


def _unmoved(making: PreparedPlan) -> Iterator[Finding]:
    """A mask that keeps everything."""
    if not making.redraws:
        yield Finding("black-mask", f"{_BLACK}; white is redrawn")


def _lasting(findings: Sequence[Finding]) -> Iterator[Finding]:
    """A plan's findings without its estimates of what would be cut: what was cut is known now."""
    return (finding for finding in findings if finding.code != "cut-words")


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for branch, number in count.items():
            total[branch] = total.get(branch, 0) + number
    return total
