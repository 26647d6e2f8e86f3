"""The receipt of pictures that are decided."""

import hashlib
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from negspace import __version__
from negspace.avoid.matching import phrase
from negspace.engine import Batching, LaneStats
from negspace.engine.encoded_plan import EncodedPlan
from negspace.findings import Finding
from negspace.guidance.branch import NEGATIVE
from negspace.planning.negative import PlannedTerm
from negspace.planning.plan import Plan
from negspace.planning.rule import JOINT_BRANCH
from negspace.receipt import Receipt
from negspace.records import (
    AttemptRecord,
    ImageRecord,
    JudgeRecord,
    ModelRecord,
    TermRecord,
    WantedRecord,
)
from negspace.run.attempts import Broken, Inspection, PictureAttempt, PictureRun, PreparedPlan
from negspace.run.escalation import Deliver, Flag, Withhold, concept_of

_NO_STEP = "its window holds none of the steps"
_NO_DIFFERENCE = "the rule made the same of every step with it and without it"
_BLACK = "the mask is black everywhere, so nothing is redrawn"


def receipt_of(
    prepared: PreparedPlan, pictures: Sequence[PictureRun], inspection: Inspection, batching: Batching
) -> Receipt:
    """The receipt of the pictures of a plan, those that are withheld included.

    Args:
        prepared: the plan of the first attempts.
        pictures: one run a picture, all decided; those that broke are in the findings alone.
        inspection: how they were inspected.
        batching: rows that went through the network at once.
    """
    network, plan, encoded = prepared.network, prepared.plan, prepared.encoded
    stats = [[attempt.stats for attempt in picture.attempts] for picture in pictures]
    every = [lane_stats for of_picture in stats for lane_stats in of_picture]
    acted = bool(plan.terms) and prepared.redraws and any(lane_stats.acted for lane_stats in every)
    why_not = None if acted else plan.why_not or _why_not(prepared, every)
    images = [
        _image(picture, own, acted)
        for picture, own in zip(pictures, stats, strict=True)
        if not isinstance(picture.outcome, Broken)
    ]
    receipt = Receipt(
        request=plan.request.without_pixels(),
        carried=plan.carried.without_pixels().model_copy(update={"policies": ()}),
        negative_dialect=plan.negative_dialect,
        model=ModelRecord(
            name=network.facts.name,
            family=network.facts.family,
            fingerprint=network.fingerprint(),
            dtype=str(network.dtype).removeprefix("torch."),
            device=str(network.device),
            rows=batching.rows,
            parts=network.parts,
        ),
        judge=_judge(inspection),
        rule=plan.rule,
        scale=plan.scale,
        steps=plan.steps,
        sampler=plan.sampler,
        width=plan.width,
        height=plan.height,
        hires=plan.hires,
        positive=encoded.positive,
        negative=encoded.negative,
        moved=plan.moved,
        embeddings=plan.embeddings,
        loras=network.loras,
        terms=tuple(_terms(plan, encoded, every, why_not)),
        wanted=tuple(WantedRecord(**thing.model_dump()) for thing in inspection.wanted(plan)),
        negative_acted=acted,
        why_not=why_not,
        evaluations=_summed(lane_stats.evaluations for lane_stats in every),
        images=tuple(image for image in images if image.delivered is not None),
        withheld=tuple(image for image in images if image.delivered is None),
        findings=(*_lasting(plan.findings), *encoded.findings, *_flagged(pictures), *_unmoved(prepared)),
        versions={"negspace": __version__, "python": platform.python_version(), **network.versions},
    )
    return receipt.with_counts()


def _why_not(prepared: PreparedPlan, stats: Sequence[LaneStats]) -> str:
    """Why the negative made no difference although the plan said that it could."""
    if not prepared.redraws:
        return _BLACK
    return _NO_DIFFERENCE if any(lane_stats.negative_steps for lane_stats in stats) else _NO_STEP


def _judge(inspection: Inspection) -> JudgeRecord | None:
    judge = inspection.judge
    if judge is None:
        return None
    limits = inspection.limits
    return JudgeRecord(
        name=judge.name, fingerprint=judge.fingerprint(), retries=limits.retries, seconds=limits.seconds
    )


def _image(picture: PictureRun, stats: Sequence[LaneStats], acted: bool) -> ImageRecord:
    """The record of the picture that is delivered, or of the last attempt where none is."""
    outcome = picture.outcome
    if outcome is None or isinstance(outcome, Broken):
        raise ValueError("a picture that is under way, or broken, has no record")
    delivered = outcome.attempt if isinstance(outcome, Deliver) else None
    number = len(picture.attempts) - 1 if delivered is None else delivered
    inspected = len(picture.attempts) > 1 or any(attempt.verdicts for attempt in picture.attempts)
    attempts = (_attempt(attempt, own) for attempt, own in zip(picture.attempts, stats, strict=True))
    return ImageRecord(
        seed=picture.seed,
        sha256=_sha256(picture.attempts[number]),
        evaluations=_summed(own.evaluations for own in stats),
        negative_steps=stats[number].negative_steps if acted else 0,
        push=stats[number].push,
        omega=stats[number].omega,
        attempts=tuple(attempts) if inspected else (),
        delivered=delivered,
        flags=tuple(f"{flag.check}: {flag.why}" for flag in outcome.flags),
    )


def _attempt(attempt: PictureAttempt, stats: LaneStats) -> AttemptRecord:
    plan = attempt.prepared.plan
    return AttemptRecord(
        seed=attempt.lane.seed,
        scale=plan.scale,
        avoid=plan.carried.avoid,
        rule=plan.carried.rule,
        sha256=_sha256(attempt),
        evaluations=stats.evaluations,
        verdicts=attempt.verdicts,
    )


def _sha256(attempt: PictureAttempt) -> str:
    if attempt.image is None:
        raise ValueError("an attempt that was not inspected has no picture")
    return hashlib.sha256(attempt.image.tobytes()).hexdigest()


def _terms(
    plan: Plan, encoded: EncodedPlan, stats: Sequence[LaneStats], why_not: str | None
) -> Iterator[TermRecord]:
    cut = {phrase(chunk.text) for chunk in encoded.negative.tokens if chunk.cut}
    for number, term in enumerate(plan.terms):
        side = f"{NEGATIVE}:{number}"
        tokens = encoded.tokens_of(term.avoid.term)
        steps = sum(lane_stats.term_steps.get(side, 0) for lane_stats in stats)
        acted = any(side in lane_stats.acted_terms for lane_stats in stats)
        inert = why_not or _why_inert(term, tokens, cut, steps, acted)
        yield TermRecord(
            **term.avoid.model_dump(),
            concept=concept_of(term.avoid, plan.negative_dialect),
            span=term.span,
            channel=term.channel,
            tokens=tokens,
            known=term.known,
            unknown=term.unknown,
            origins=term.origins,
            effect="active" if inert is None else "inert",
            why_not=inert,
            steps=steps if inert is None else 0,
        )


def _why_inert(
    term: PlannedTerm, tokens: Sequence[str], cut: set[tuple[str, ...]], steps: int, acted: bool
) -> str | None:
    """Why a term did nothing although the negative did something."""
    if term.avoid.weight == 0:
        return "it weighs 0"
    if term.channel == JOINT_BRANCH and term.known is False:
        return "a joint branch leaves out words that the encoder has never learned"
    if not steps:
        return _NO_STEP
    if not tokens and any(set(phrase(term.avoid.term)) <= set(text) for text in cut):
        return "its words were cut off before the encoder"
    return None if acted else _NO_DIFFERENCE


def _flagged(pictures: Iterable[PictureRun]) -> Iterator[Finding]:
    """Pictures that broke, and checks that did not pass; a term that no judge knows once for all."""
    unchecked: dict[str, Flag] = {}
    for picture in pictures:
        outcome = picture.outcome
        if isinstance(outcome, Broken):
            yield Finding("broken", outcome.why)
        flags = outcome.flags if isinstance(outcome, Deliver | Withhold) else ()
        for flag in flags:
            if flag.problem == "unchecked":
                unchecked.setdefault(flag.term, flag)
            elif isinstance(outcome, Deliver):
                yield Finding(
                    "flagged", f"picture {picture.seed} is delivered with a flag: {flag.why}", side="avoid"
                )
            else:
                yield Finding("withheld", f"picture {picture.seed} is withheld: {flag.why}", side="avoid")
    for flag in unchecked.values():
        yield Finding("unchecked", f"{flag.why} ({flag.check} was asked)", side="avoid")


def _unmoved(prepared: PreparedPlan) -> Iterator[Finding]:
    """A mask that keeps everything."""
    if not prepared.redraws:
        yield Finding("black-mask", f"{_BLACK}; white is redrawn")


def _lasting(findings: Sequence[Finding]) -> Iterator[Finding]:
    """A plan's findings without its estimates of what would be cut: what was cut is known now."""
    return (finding for finding in findings if finding.code != "cut-words")


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for count in counts:
        total.update(count)
    return dict(total)
