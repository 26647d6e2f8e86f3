"""The tools, as they are described to a language model."""

import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Annotated, Any, Literal, ParamSpec, final

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field

from negspace import __version__
from negspace.errors import NegspaceError
from negspace.pixels import from_base64, read_mask, read_picture
from negspace.request import Request, Start
from negspace.serve.access.tenants import LOCAL, Tenant
from negspace.serve.clients.mcp.outputs import (
    ExplainOutput,
    FeedbackOutput,
    GenerateOutput,
    PlanOutput,
    ProveOutput,
    finished_with_progress,
    summary,
    tool_result,
    unchanged_text,
)
from negspace.serve.conversations import feedback
from negspace.serve.dialect import delivered, tenant_of
from negspace.serve.extension_fields import thumbs_of
from negspace.serve.proving import prove
from negspace.serve.refusal import INTERNAL, refusal_of
from negspace.serve.service import Service, cost_of

log = logging.getLogger(__name__)

INSTRUCTIONS = """Pictures from text, with a receipt for what was avoided. Name what is not wanted in
negative_prompt: the thing itself ("hat, blurry"), never "no hat". Leave it out where nothing in particular is
unwanted: policies add the routine terms. plan_negative says beforehand whether a negative can do anything;
report_problem makes a picture again without what was complained of."""

Arguments = ParamSpec("Arguments")

ToolContext = Context[Any, Any]
PromptArgument = Annotated[str, Field(description="What is wanted.", max_length=10_000)]
NegativeArgument = Annotated[
    str | None,
    Field(
        description='Things that are not wanted, with commas, by name: "hat", never "no hat". Leave it out '
        "where nothing in particular is unwanted.",
        max_length=10_000,
        validation_alias=AliasChoices("negative_prompt", "avoid"),
    ),
]
ModelArgument = Annotated[str | None, Field(description="Name of a model; the server's default if left out.")]
PolicyNamesArgument = Annotated[
    list[str] | None,
    BeforeValidator(lambda names: [names] if isinstance(names, str) else names),
    Field(
        description="Names of policies to apply besides the binding ones.",
        validation_alias=AliasChoices("policies", "policy"),
    ),
]
ScaleArgument = Annotated[
    float | None, Field(description="Guidance scale; at 1 a plain negative does nothing.", gt=0, le=100)
]
StepsArgument = Annotated[int | None, Field(description="Steps of the sampler.", ge=1, le=1000)]
RuleArgument = Annotated[str | None, Field(description='How predictions are combined, such as "perp_neg".')]
ImageArgument = Annotated[str, Field(description="The image_id of a picture that was generated here.")]


def mcp_server(service: Service) -> MCPServer[Any]:
    """The server of the tools over a service."""
    tools = Tools(service)
    described = [
        _described(tools.generate_image, "Generate an image", writes=True),
        _described(tools.plan_negative, "Plan a negative", writes=False),
        _described(tools.explain_image, "Explain an image", writes=False),
        _described(tools.report_problem, "Report a problem", writes=True),
        _described(tools.prove_negative, "Prove a negative", writes=True),
    ]
    return MCPServer[Any](
        "negspace", title="Negspace", instructions=INSTRUCTIONS, version=__version__, tools=described
    )


def _described(function: Callable[..., Awaitable[CallToolResult]], title: str, *, writes: bool) -> Tool:
    """A tool that refuses arguments it does not have; by itself the library drops them."""
    annotations = ToolAnnotations(
        title=title,
        read_only_hint=not writes,
        destructive_hint=False,
        idempotent_hint=not writes,
        open_world_hint=False,
    )
    tool = Tool.from_function(function, annotations=annotations)
    arguments = tool.fn_metadata.arg_model
    strict = type(arguments.__name__, (arguments,), {"model_config": ConfigDict(extra="forbid")})
    metadata = tool.fn_metadata.model_copy(update={"arg_model": strict})
    return tool.model_copy(
        update={"fn_metadata": metadata, "parameters": strict.model_json_schema(by_alias=True)}
    )


def _refusals_as_results(
    tool: Callable[Arguments, Awaitable[CallToolResult]],
) -> Callable[Arguments, Awaitable[CallToolResult]]:
    """A tool that puts what was refused into its result, so that a language model can do better."""

    @wraps(tool)
    async def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> CallToolResult:
        try:
            return await tool(*args, **kwargs)
        except NegspaceError as error:
            refusal = refusal_of(error)
            if refusal.status >= 500 and refusal.retry_after is None:
                log.error("a tool failed", exc_info=error)
            wait = "" if refusal.retry_after is None else f"; ask again in {refusal.retry_after:.0f} s"
            raise ToolError(f"{refusal}{wait}") from None
        except Exception as error:
            log.error("a tool failed", exc_info=error)
            raise ToolError(INTERNAL) from None

    return wrapped


@final
class Tools:
    """The tools over a service. Signatures and docstrings are what a language model reads."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @_refusals_as_results
    async def generate_image(
        self,
        prompt: PromptArgument,
        ctx: ToolContext,
        negative_prompt: NegativeArgument = None,
        model: ModelArgument = None,
        policies: PolicyNamesArgument = None,
        n: Annotated[int, Field(description="How many pictures.", ge=1, le=16)] = 1,
        seed: Annotated[int | None, Field(description="Gives the same picture again.", ge=-1)] = None,
        width: Annotated[int | None, Field(ge=1, le=16384)] = None,
        height: Annotated[int | None, Field(ge=1, le=16384)] = None,
        steps: StepsArgument = None,
        scale: ScaleArgument = None,
        sampler: Annotated[str | None, Field(description='Such as "Euler a".')] = None,
        rule: RuleArgument = None,
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
        tenant = _tenant(ctx)
        request = _request(
            prompt,
            negative_prompt,
            policies,
            model=model,
            n=n,
            seed=seed,
            width=width,
            height=height,
            steps=steps,
            scale=scale,
            sampler=sampler,
            rule=rule,
            start=await self._service.read(_start, image, strength, mask),
        )
        job = await self._service.submit(request, tenant, conversation=conversation)
        finished = delivered(await finished_with_progress(job, ctx))
        return tool_result(GenerateOutput.of(finished), summary(finished), finished)

    @_refusals_as_results
    async def plan_negative(
        self,
        prompt: PromptArgument,
        ctx: ToolContext,
        negative_prompt: NegativeArgument = None,
        model: ModelArgument = None,
        policies: PolicyNamesArgument = None,
        scale: ScaleArgument = None,
        steps: StepsArgument = None,
        rule: RuleArgument = None,
    ) -> Annotated[CallToolResult, PlanOutput]:
        """Report how each avoided term would reach the model, and what prevents it. Nothing is made."""
        request = _request(
            prompt, negative_prompt, policies, model=model, scale=scale, steps=steps, rule=rule
        )
        output = PlanOutput.of(await self._service.plan(request, _tenant(ctx)))
        acts = "The negative can act." if output.acts else f"The negative can do nothing: {output.why_not}."
        return tool_result(output, "\n".join((acts, *output.findings, *output.blocks)))

    @_refusals_as_results
    async def explain_image(
        self, image_id: ImageArgument, ctx: ToolContext
    ) -> Annotated[CallToolResult, ExplainOutput]:
        """Explain how a picture was made: what was sent, whether the negative acted, what it cost."""
        picture = await self._service.archive.picture(image_id, _tenant(ctx))
        output = ExplainOutput.of(image_id, picture.receipt)
        return tool_result(output, output.summary)

    @_refusals_as_results
    async def report_problem(
        self,
        image_id: ImageArgument,
        ctx: ToolContext,
        problem: Annotated[
            str,
            Field(
                description='What is wrong, in plain words: "the fingers look odd, and bring the hat back".',
                max_length=4000,
            ),
        ] = "",
        thumbs: Annotated[
            Literal["up", "down"] | None,
            Field(description="Whether the user likes it, if there are no words. Within a conversation."),
        ] = None,
        conversation: Annotated[
            str | None,
            Field(description="Left out: that of the picture.", pattern=r"^[A-Za-z0-9._-]{1,64}$"),
        ] = None,
    ) -> Annotated[CallToolResult, FeedbackOutput]:
        """Change what is avoided by what is wrong with a picture, and make it again on the same seed."""
        tenant = _tenant(ctx)
        about = (await self._service.archive.request_of_picture(image_id, tenant)).accepted
        result = await feedback(
            self._service,
            tenant,
            conversation or about.conversation,
            complaint=problem,
            thumbs=thumbs_of(thumbs),
            about=about,
        )
        finished = None if result.job is None else await finished_with_progress(result.job, ctx)
        output = FeedbackOutput.of(result.reply, finished)
        if finished is None:
            return tool_result(output, unchanged_text(output.answer, problem))
        return tool_result(output, "\n".join((*output.answer, summary(finished))), finished)

    @_refusals_as_results
    async def prove_negative(
        self,
        prompt: PromptArgument,
        avoid: Annotated[
            str, Field(description="The list to be tried, with commas.", min_length=1, max_length=10_000)
        ],
        ctx: ToolContext,
        model: ModelArgument = None,
        max_pictures: Annotated[
            int, Field(description="At most so many are made; it takes minutes.", ge=1, le=5000)
        ] = 400,
        seed: Annotated[int, Field(description="Of the first picture.", ge=0, le=2**32)] = 0,
        scale: ScaleArgument = None,
        steps: StepsArgument = None,
        rule: RuleArgument = None,
    ) -> Annotated[CallToolResult, ProveOutput]:
        """Measure which terms of a negative are needed, on paired seeds, with controls. Takes minutes."""
        tenant = _tenant(ctx)
        settings = {"scale": scale, "steps": steps, "rule": rule}
        request = Request.from_dict({"prompt": prompt, "avoid": avoid, "model": model, **settings})
        planned = await self._service.plan(request, tenant)
        trial, findings = await prove(
            self._service,
            tenant,
            prompt,
            avoid,
            planned.request.model or self._service.catalogue.default,
            {**settings, "max_pictures": max_pictures, "seed": seed},
            cost_of(planned),
            lambda step, _: ctx.report_progress(step.done, step.done + step.left, step.stage),
        )
        return tool_result(ProveOutput.of(trial, findings), f"{findings.answer}\n{findings.recommendation}")


def _tenant(ctx: ToolContext) -> Tenant:
    """The tenant that calls a tool: by the HTTP request; over stdio it is whoever started this process."""
    http = ctx.request_context.request
    return LOCAL if http is None else tenant_of(http)


def _request(prompt: str, negative: str | None, policies: list[str] | None, **fields: object) -> Request:
    return Request.from_dict(
        {"prompt": prompt, "avoid": negative, "policies": tuple(policies or ()), **fields}
    )


def _start(image: str | None, strength: float | None, mask: str | None) -> Start | None:
    if image is None:
        return None
    mask_pixels = None if mask is None else read_mask(from_base64(mask))
    return Start.of(read_picture(from_base64(image)), strength, mask_pixels)
