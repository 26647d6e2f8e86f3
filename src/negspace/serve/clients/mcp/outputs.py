"""What the tools answer with, beside pictures: values whose schema a client is told."""

from typing import Any, Literal

from pydantic import BaseModel

from negspace.feedback.revision import Change
from negspace.lab import Findings, TermVerdict
from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from negspace.serve.clients.summary import receipt_address
from negspace.serve.jobs.events import Finished, Picture


class PictureOutput(BaseModel):
    """A picture.

    Attributes:
        image_id: by which it is asked for.
        seed: gives this picture again.
        sha256: of its pixels.
        receipt_path: address of its receipt on the server.
    """

    image_id: str
    seed: int
    sha256: str
    receipt_path: str

    @classmethod
    def of(cls, picture: Picture) -> "PictureOutput":
        """What is told of a picture."""
        (image,) = picture.receipt.images
        return cls(
            image_id=picture.id,
            seed=image.seed,
            sha256=image.sha256,
            receipt_path=receipt_address(picture),
        )


class GenerateOutput(BaseModel):
    """What was generated, and what became of the negative.

    Attributes:
        images: the pictures.
        negative_prompt: the negative that was told; None where there was none.
        negative_acted: whether it could change the pictures.
        why_not: if not, why.
        evaluations: network passes by branch.
        findings: what is worth knowing.
        receipt: all there is to know, of all pictures.
    """

    images: list[PictureOutput]
    negative_prompt: str | None
    negative_acted: bool
    why_not: str | None
    evaluations: dict[str, int]
    findings: list[str]
    receipt: dict[str, Any]

    @classmethod
    def of(cls, finished: Finished) -> "GenerateOutput":
        """What is told of finished pictures."""
        receipt = finished.receipt
        return cls(
            images=[PictureOutput.of(picture) for picture in finished.pictures],
            negative_prompt=receipt.negative.text,
            negative_acted=receipt.negative_acted,
            why_not=receipt.why_not,
            evaluations=receipt.evaluations,
            findings=[finding.text for finding in receipt.findings],
            receipt=receipt.model_dump(mode="json"),
        )


class TermOutput(BaseModel):
    """One avoided term and how the model would be told.

    Attributes:
        term, weight, source: as asked, and who asked.
        told: by what the model is told; "nothing" where it cannot be.
        known: whether the encoder has learned its words; None where nobody knows.
        unknown: the words that it has not.
    """

    term: str
    weight: float
    source: str
    channel: str
    known: bool | None
    unknown: list[str]


class PlanOutput(BaseModel):
    """What would become of a negative; nothing was generated.

    Attributes:
        prompt, negative_prompt: as the model would be told.
        acts: whether the negative could change the picture.
        why_not: if not, why.
        terms: each avoided thing.
        findings: what is worth knowing before anything runs.
        blocks: what keeps the request from being carried out.
    """

    prompt: str
    negative_prompt: str | None
    acts: bool
    why_not: str | None
    terms: list[TermOutput]
    findings: list[str]
    blocks: list[str]

    @classmethod
    def of(cls, planned: Plan) -> "PlanOutput":
        """What is told of a plan."""
        return cls(
            prompt=planned.positive,
            negative_prompt=planned.negative,
            acts=planned.acts,
            why_not=planned.why_not,
            terms=[
                TermOutput(
                    term=term.avoid.term,
                    weight=term.avoid.weight,
                    source=term.avoid.source,
                    channel=term.channel,
                    known=term.known,
                    unknown=list(term.unknown),
                )
                for term in planned.terms
            ],
            findings=[finding.text for finding in planned.findings],
            blocks=[str(block) for block in planned.blocks],
        )


class ExplainOutput(BaseModel):
    """How a picture came about.

    Attributes:
        image_id: of the picture.
        summary: for people.
        receipt: all there is to know.
    """

    image_id: str
    summary: str
    receipt: dict[str, Any]

    @classmethod
    def of(cls, image: str, receipt: Receipt) -> "ExplainOutput":
        """What is told of a receipt."""
        return cls(image_id=image, summary=receipt.summary(), receipt=receipt.model_dump(mode="json"))


class ReviseOutput(BaseModel):
    """One change to what is avoided.

    Attributes:
        term: what it concerns.
        direction: "avoid" it, have "less" of it, or "allow" it again.
        said: the words that say so.
        before, after: its weight; None where it is not avoided.
        why_not: why nothing changed although it was asked for.
    """

    term: str
    direction: Literal["avoid", "less", "allow"]
    said: str
    before: float | None
    after: float | None
    why_not: str | None

    @classmethod
    def of(cls, change: Change) -> "ReviseOutput":
        """What is told of a change."""
        return cls(
            term=change.term,
            direction=change.direction,
            said=change.said,
            before=None if change.before is None else change.before.avoid.weight,
            after=None if change.after is None else change.after.avoid.weight,
            why_not=change.why_not,
        )


class FeedbackOutput(BaseModel):
    """What followed from a problem.

    Attributes:
        changes: to what is avoided.
        next: the picture made again with them, on the same seed; None where nothing changed.
    """

    changes: list[ReviseOutput]
    next: GenerateOutput | None


class VerdictOutput(BaseModel):
    """What one term does.

    Attributes:
        term: the term.
        kind: "helps", "harms", "no_evidence", "inert", or "unknown" to this model.
        why: in plain words.
        effect: net share of pictures that are as asked only with it; None where none was made.
        interval: of the effect, 95 %.
        pairs: of pictures it was tried on.
    """

    term: str
    kind: Literal["helps", "harms", "no_evidence", "inert", "unknown"]
    why: str
    effect: float | None
    interval: tuple[float, float] | None
    pairs: int

    @classmethod
    def of(cls, verdict: TermVerdict) -> "VerdictOutput":
        """What is told of a verdict."""
        told = {name: getattr(verdict, name) for name in ("kind", "why", "effect", "interval", "pairs")}
        return cls(term=verdict.term.term, **told)


class ProveOutput(BaseModel):
    """What a proof found.

    Attributes:
        trial: the id it is kept by, at /api/trials.
        answer: in one sentence.
        recommendation: what to do.
        smallest_list: the terms that are enough.
        verdicts: one a term.
        pictures, evaluations: made and spent.
        findings: all there is to know.
    """

    trial: str
    answer: str
    recommendation: str
    smallest_list: list[str]
    verdicts: list[VerdictOutput]
    pictures: int
    evaluations: int
    findings: dict[str, Any]

    @classmethod
    def of(cls, trial: str, found: Findings) -> "ProveOutput":
        """What is told of findings."""
        return cls(
            trial=trial,
            answer=found.answer,
            recommendation=found.recommendation,
            smallest_list=list(found.smallest_list),
            verdicts=[VerdictOutput.of(verdict) for verdict in found.verdicts.values()],
            pictures=found.pictures,
            evaluations=found.evaluations,
            findings=found.model_dump(mode="json"),
        )
