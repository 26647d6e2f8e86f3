"""The tools, as a language model is told of them."""

import asyncio
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from negspace import __version__
from negspace.errors import NegspaceError
from negspace.pixels import from_base64, read_mask, read_picture
from negspace.request import Request
from negspace.serve.access.tenants import LOCAL, Tenant
from negspace.serve.clients.dialect import caller
from negspace.serve.clients.extensions import THUMBS
from negspace.serve.clients.mcp.outputs import (
    ExplainOutput,
    FeedbackOutput,
    GenerateOutput,
    PlanOutput,
    ProveOutput,
    ReviseOutput,
)
from negspace.serve.clients.mcp.proving import proved
from negspace.serve.clients.mcp.results import answer, changed, summary, unchanged, watched
from negspace.serve.conversations import feedback
from negspace.serve.refusal import INTERNAL, refusal_of
from negspace.serve.service import Service, cost_of

log = logging.getLogger(__name__)

INSTRUCTIONS = """Pictures from text, with a receipt for what was avoided. Name what is not wanted in
negative_prompt: the thing itself ("hat, blurry"), never "no hat". Leave it out where nothing in particular is
unwanted: policies add the routine terms. plan_negative says beforehand whether a negative can do anything;
report_problem makes a picture again without what was complained of."""

Prompt = Annotated[str, Field(description="What is wanted.", max_length=10_000)]
Negative = Annotated[
    str | None,
    Field(
        description='Things that are not wanted, with commas, by name: "hat", never "no hat". Leave it out '
        "where nothing in particular is unwanted.",
        max_length=10_000,
    ),
]
ModelName = Annotated[str | None, Field(description="Name of a model; the server's default if left out.")]
Policies = Annotated[
    list[str] | None, Field(description="Names of policies to apply besides the binding ones.")
]
Scale = Annotated[
    float | None, Field(description="Guidance scale; at 1 a plain negative does nothing.", gt=0, le=100)
]
Steps = Annotated[int | None, Field(description="Steps of the sampler.", ge=1, le=1000)]
Rule = Annotated[str | None, Field(description='How predictions are combined, such as "perp_neg".')]
ImageId = Annotated[str, Field(description="The image_id of a picture that was generated here.")]


def server_of(service: Service) -> MCPServer[Any]:
    """The tools over a service."""
    server = MCPServer[Any]("negspace", title="Negspace", instructions=INSTRUCTIONS, version=__version__)

    @server.tool(annotations=_hints("Generate an image", writes=True))
    async def generate_image(
        prompt: Prompt,
        ctx: Context[Any, Any],
        negative_prompt: Negative = None,
        model: ModelName = None,
        policies: Policies = None,
        n: Annotated[int, Field(description="How many pictures.", ge=1, le=16)] = 1,
        seed: Annotated[int | None, Field(description="Gives the same picture again.", ge=0)] = None,
        width: Annotated[int | None, Field(ge=1, le=16384)] = None,
        height: Annotated[int | None, Field(ge=1, le=16384)] = None,
        steps: Steps = None,
        scale: Scale = None,
        sampler: Annotated[str | None, Field(description='Such as "Euler a".')] = None,
        rule: Rule = None,
        image: Annotated[str | None, Field(description="A picture to start from, in base64.")] = None,
        strength: Annotated[
            float | None, Field(description="How far it is left behind, 0 to 1.", gt=0, le=1)
        ] = None,
        mask: Annotated[str | None, Field(description="In base64: white is redrawn, black is kept.")] = None,
        conversation: Annotated[
            str | None, Field(description="Groups requests.", pattern=r"^[A-Za-z0-9._-]{1,64}$")
        ] = None,
    ) -> Annotated[CallToolResult, GenerateOutput]:
        """Make pictures without what is not wanted. The receipt says whether the negative acted."""
        with _plainly():
            tenant = _tenant(ctx)
            request = Request.from_dict(
                {
                    "prompt": prompt,
                    "avoid": negative_prompt,
                    "model": model,
                    "policies": tuple(policies or ()),
                    "n": n,
                    "seed": secrets.randbelow(2**32) if seed is None else seed,
                    "width": width,
                    "height": height,
                    "steps": steps,
                    "scale": scale,
                    "sampler": sampler,
                    "rule": rule,
                    "start": await asyncio.to_thread(_start, image, strength, mask),
                }
            )
            finished = await watched(await service.submit(request, tenant, conversation=conversation), ctx)
            return answer(GenerateOutput.of(finished), summary(finished), finished)

    @server.tool(annotations=_hints("Plan a negative", writes=False))
    async def plan_negative(
        prompt: Prompt,
        ctx: Context[Any, Any],
        negative_prompt: Negative = None,
        model: ModelName = None,
        policies: Policies = None,
        scale: Scale = None,
        steps: Steps = None,
        rule: Rule = None,
    ) -> Annotated[CallToolResult, PlanOutput]:
        """Say how each avoided term would be told, and what stands in its way. Nothing is made."""
        with _plainly():
            request = Request.from_dict(
                {
                    "prompt": prompt,
                    "avoid": negative_prompt,
                    "model": model,
                    "policies": tuple(policies or ()),
                    "scale": scale,
                    "steps": steps,
                    "rule": rule,
                }
            )
            planned = await service.plan(request, _tenant(ctx))
            told = PlanOutput.of(planned)
            acts = "The negative can act." if told.acts else f"The negative can do nothing: {told.why_not}."
            return answer(told, "\n".join((acts, *told.findings, *told.blocks)))

    @server.tool(annotations=_hints("Explain an image", writes=False))
    async def explain_image(
        image_id: ImageId, ctx: Context[Any, Any]
    ) -> Annotated[CallToolResult, ExplainOutput]:
        """Tell how a picture came about: what was sent, whether the negative acted, what it cost."""
        with _plainly():
            picture = await service.archive.picture(image_id, _tenant(ctx))
            told = ExplainOutput.of(image_id, picture.receipt)
            return answer(told, told.summary)

    @server.tool(annotations=_hints("Report a problem", writes=True))
    async def report_problem(
        image_id: ImageId,
        ctx: Context[Any, Any],
        problem: Annotated[
            str,
            Field(
                description='What is wrong, in plain words: "the fingers look odd, and bring the hat back".',
                max_length=4000,
            ),
        ] = "",
        thumbs: Annotated[
            Literal["up", "down"] | None,
            Field(description="Whether the user likes it, where no words were said. Within a conversation."),
        ] = None,
        conversation: Annotated[
            str | None,
            Field(description="Left out: that of the picture.", pattern=r"^[A-Za-z0-9._-]{1,64}$"),
        ] = None,
    ) -> Annotated[CallToolResult, FeedbackOutput]:
        """Change what is avoided by what is wrong with a picture, and make it again on the same seed."""
        with _plainly():
            tenant = _tenant(ctx)
            about = (await service.archive.made(image_id, tenant)).accepted
            came = await feedback(
                service,
                tenant,
                conversation or about.conversation,
                complaint=problem,
                thumbs=None if thumbs is None else THUMBS[thumbs],
                about=about,
            )
            changes = [ReviseOutput.of(change) for change in came.changes]
            if came.job is None:
                return answer(FeedbackOutput(changes=changes, next=None), unchanged(changes, problem))
            finished = await watched(came.job, ctx)
            told = FeedbackOutput(changes=changes, next=GenerateOutput.of(finished))
            return answer(told, "\n".join((*map(changed, changes), summary(finished))), finished)

    @server.tool(annotations=_hints("Prove a negative", writes=True))
    async def prove_negative(
        prompt: Prompt,
        avoid: Annotated[
            str, Field(description="The list to be tried, with commas.", min_length=1, max_length=10_000)
        ],
        ctx: Context[Any, Any],
        model: ModelName = None,
        max_pictures: Annotated[
            int, Field(description="At most so many are made; it takes minutes.", ge=1, le=5000)
        ] = 400,
        seed: Annotated[int, Field(description="Of the first picture.", ge=0, le=2**32)] = 0,
        scale: Scale = None,
        steps: Steps = None,
        rule: Rule = None,
    ) -> Annotated[CallToolResult, ProveOutput]:
        """Measure which terms of a negative are needed, on paired seeds, with controls. Takes minutes."""
        with _plainly():
            fields = {"scale": scale, "steps": steps, "rule": rule}
            asked = {"prompt": prompt, "avoid": avoid, "model": model, **fields}
            tenant = _tenant(ctx)
            planned = await service.plan(Request.from_dict(asked), tenant)
            trial, found = await proved(
                service,
                tenant,
                prompt,
                avoid,
                planned.request.model or service.catalogue.default,
                {**fields, "max_pictures": max_pictures, "seed": seed},
                cost_of(planned),
                lambda step: ctx.report_progress(step.done, step.done + step.left, step.stage),
            )
            return answer(ProveOutput.of(trial, found), f"{found.answer}\n{found.recommendation}")

    return server


def _hints(title: str, *, writes: bool) -> ToolAnnotations:
    return ToolAnnotations(
        title=title,
        read_only_hint=not writes,
        destructive_hint=False,
        idempotent_hint=not writes,
        open_world_hint=False,
    )


def _tenant(ctx: Context[Any, Any]) -> Tenant:
    """On whose behalf a tool is called: by the request over HTTP; over stdio it is whoever started us."""
    http = ctx.request_context.request
    return LOCAL if http is None else caller(http)


@contextmanager
def _plainly() -> Iterator[None]:
    """Tell what was refused in the result of the tool, so that a language model can do better."""
    try:
        yield
    except NegspaceError as error:
        refusal = refusal_of(error)
        if refusal.status >= 500 and refusal.retry_after is None:
            log.error("a tool failed", exc_info=error)
        wait = "" if refusal.retry_after is None else f"; ask again in {refusal.retry_after:.0f} s"
        raise ToolError(f"{refusal}{wait}") from None
    except Exception as error:
        log.error("a tool failed", exc_info=error)
        raise ToolError(INTERNAL) from None


def _start(image: str | None, strength: float | None, mask: str | None) -> dict[str, Any] | None:
    if image is None:
        return None
    start: dict[str, Any] = {"picture": read_picture(from_base64(image))}
    if strength is not None:
        start["strength"] = strength
    if mask is not None:
        start["mask"] = read_mask(from_base64(mask))
    return start
