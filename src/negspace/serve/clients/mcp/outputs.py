"""The structured outputs of the tools; their schemas are sent to clients."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from negspace.feedback.revision import Change
from negspace.lab import ProofResult, TermVerdict
from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from negspace.serve.dialect import receipt_path
from negspace.serve.jobs.events import Finished, Picture


class PictureOutput(BaseModel):
    """A picture.

    Attributes:
        image_id: identifies it.
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
        """The output for a picture."""
        (image,) = picture.receipt.images
        return cls(
            image_id=picture.id,
            seed=image.seed,
            sha256=image.sha256,
            receipt_path=receipt_path(picture),
        )


class GenerateOutput(BaseModel):
    """What was generated, and what became of the negative.

    Attributes:
        images: the pictures.
        negative_prompt: the negative the model was given; None if there was none.
        negative_acted: whether it could change the pictures.
        why_not: if not, why.
        evaluations: network passes by branch.
        findings: notes and warnings.
        receipt: of all pictures, complete.
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
        """The output for finished pictures."""
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
    """One avoided term and how it would reach the model.

    Attributes:
        term, weight, source: as asked, and who asked.
        channel: how it reaches the model; "nothing" if it cannot.
        known: whether the encoder has learned its words; None if that is not known.
        unknown: the words that it has not learned.
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
        prompt, negative_prompt: as the model would be given them.
        acts: whether the negative could change the picture.
        why_not: if not, why.
        terms: each avoided thing.
        findings: notes and warnings.
        blocks: reasons why the request would be refused.
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
        """The output for a plan."""
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
        receipt: complete.
    """

    image_id: str
    summary: str
    receipt: dict[str, Any]

    @classmethod
    def of(cls, image: str, receipt: Receipt) -> "ExplainOutput":
        """The output for a receipt."""
        return cls(image_id=image, summary=receipt.summary(), receipt=receipt.model_dump(mode="json"))


class ReviseOutput(BaseModel):
    """One change to what is avoided.

    Attributes:
        term: what it concerns.
        direction: "avoid" it, have "less" of it, or "allow" it again.
        clause: the words of the complaint that it follows from; "said" in JSON.
        before, after: its weight; None where it is not avoided.
        why_not: why nothing changed although it was asked for.
    """

    term: str
    direction: Literal["avoid", "less", "allow"]
    clause: str = Field(alias="said")
    before: float | None
    after: float | None
    why_not: str | None

    @classmethod
    def of(cls, change: Change) -> "ReviseOutput":
        """The output for a change."""
        return cls(
            term=change.term,
            direction=change.direction,
            said=change.clause,
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
        needs: what it would take to say whether the term should stay; "" where the verdict says it.
    """

    term: str
    kind: Literal["helps", "harms", "no_evidence", "inert", "unknown"]
    why: str
    effect: float | None
    interval: tuple[float, float] | None
    pairs: int
    needs: str

    @classmethod
    def of(cls, verdict: TermVerdict) -> "VerdictOutput":
        """The output for a verdict."""
        names = ("kind", "why", "effect", "interval", "pairs", "needs")
        fields = {name: getattr(verdict, name) for name in names}
        return cls(term=verdict.term.term, **fields)


class ProveOutput(BaseModel):
    """What a proof found.

    Attributes:
        trial: the id it is kept by, at /api/trials.
        answer: in one sentence.
        recommendation: what to do.
        smallest_list: the terms that are enough.
        verdicts: one a term.
        pictures, evaluations: made and spent.
        findings: complete.
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
    def of(cls, trial: str, result: ProofResult) -> "ProveOutput":
        """The output for the result of a proof."""
        return cls(
            trial=trial,
            answer=result.answer,
            recommendation=result.recommendation,
            smallest_list=list(result.smallest_list),
            verdicts=[VerdictOutput.of(verdict) for verdict in result.verdicts.values()],
            pictures=result.pictures,
            evaluations=result.evaluations,
            findings=result.model_dump(mode="json"),
        )
