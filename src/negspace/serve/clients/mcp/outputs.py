"""The results of the tools: structured outputs, whose schemas are sent to clients, texts, pictures."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Literal, Self

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ContentBlock, ImageContent, TextContent
from pydantic import BaseModel, Field

from negspace.feedback.statements import StatementKind
from negspace.lab import ProofResult
from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from negspace.serve.dialect import receipt_path
from negspace.serve.feedback_reply import FeedbackReply, changes_of
from negspace.serve.jobs.job import Finished, Job, JobPicture, JobProgress


class ToolOutput(BaseModel):
    """A structured output."""

    @classmethod
    def read(cls, value: object, **given: object) -> Self:
        """The output for a value: a field that is not given is the value's attribute of the same name."""
        return cls(**{name: getattr(value, name) for name in cls.model_fields.keys() - given}, **given)


class PictureOutput(ToolOutput):
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
    def of(cls, picture: JobPicture) -> Self:
        (image,) = picture.receipt.images
        return cls.read(image, image_id=picture.id, receipt_path=receipt_path(picture))


class GenerateOutput(ToolOutput):
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
    def of(cls, finished: Finished) -> Self:
        receipt = finished.receipt
        return cls.read(
            receipt,
            images=[PictureOutput.of(picture) for picture in finished.pictures],
            negative_prompt=receipt.negative.text,
            findings=[finding.text for finding in receipt.findings],
            receipt=receipt.model_dump(mode="json"),
        )


class TermOutput(ToolOutput):
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


class PlanOutput(ToolOutput):
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
    def of(cls, planned: Plan) -> Self:
        return cls.read(
            planned,
            prompt=planned.positive,
            negative_prompt=planned.negative,
            terms=[
                TermOutput.read(term.avoid, channel=term.channel, known=term.known, unknown=term.unknown)
                for term in planned.terms
            ],
            findings=[finding.text for finding in planned.findings],
            blocks=[str(block) for block in planned.blocks],
        )


class ExplainOutput(ToolOutput):
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
    def of(cls, image: str, receipt: Receipt) -> Self:
        return cls(image_id=image, summary=receipt.summary(), receipt=receipt.model_dump(mode="json"))


class ReviseOutput(ToolOutput):
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


class StatementOutput(ToolOutput):
    """A part of what was told that asks for no change.

    Attributes:
        kind: "praise", "success", "question", "again", "wish" or "unclear".
        clause: its words; "said" in JSON.
        suggestions: what it could mean, in sentences that would be understood.
    """

    kind: StatementKind
    clause: str = Field(alias="said")
    suggestions: list[str]


class FeedbackOutput(ToolOutput):
    """What followed from a problem.

    Attributes:
        changes: to what is avoided.
        statements: what asks for no change, or was not understood.
        answer: all of it in plain words, for the user.
        next: the picture made again, on the same seed or, where another was asked for, on a new one; None
            where nothing changed.
    """

    changes: list[ReviseOutput]
    statements: list[StatementOutput]
    answer: list[str]
    next: GenerateOutput | None

    @classmethod
    def of(cls, reply: FeedbackReply, finished: Finished | None) -> "FeedbackOutput":
        """The output for a reply and the pictures that followed."""
        return cls(
            changes=[ReviseOutput.model_validate(change) for change in changes_of(reply.revision.changes)],
            statements=[
                StatementOutput(kind=each.kind, said=each.clause, suggestions=list(each.suggestions))
                for each in reply.revision.statements
            ],
            answer=list(reply.answer(None if finished is None else finished.receipt)),
            next=None if finished is None else GenerateOutput.of(finished),
        )


class VerdictOutput(ToolOutput):
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


class ProveOutput(ToolOutput):
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
    def of(cls, trial: str, result: ProofResult) -> Self:
        verdicts = [VerdictOutput.read(verdict, term=term) for term, verdict in result.verdicts.items()]
        return cls.read(result, trial=trial, verdicts=verdicts, findings=result.model_dump(mode="json"))


async def finished_with_progress(job: Job, ctx: Context[Any, Any]) -> Finished:
    """The finished job; its progress is reported. If the caller stops waiting, the job is cancelled.

    Raises:
        Refusal: it failed.
    """
    try:
        async for event in job.events():
            if isinstance(event, JobProgress):
                await ctx.report_progress(event.done, event.total, f"step {event.done} of {event.total}")
        return await job.finished()
    finally:
        job.cancel()


def tool_result(output: BaseModel, text: str, finished: Finished | None = None) -> CallToolResult:
    """A structured output with its text, and the pictures of a finished job."""
    pictures = () if finished is None else finished.pictures
    content: list[ContentBlock] = [TextContent(type="text", text=text)]
    content += (
        ImageContent(type="image", data=b64encode(picture.png).decode(), mime_type="image/png")
        for picture in pictures
    )
    return CallToolResult(content=content, structured_content=output.model_dump(mode="json", by_alias=True))


def summary(finished: Finished) -> str:
    ids = ", ".join(picture.id for picture in finished.pictures)
    return f"image_id {ids}\n{finished.receipt.summary()}"


def unchanged_text(answer: Sequence[str], problem: str) -> str:
    """The text after feedback that changed nothing, with a reason."""
    if not problem:
        return "Recorded. Thumbs change the list once they show, over some pictures, what is disliked."
    return "\n".join(answer)
