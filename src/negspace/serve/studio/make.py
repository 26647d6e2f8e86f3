"""The tab Make: the plan while one types, the pictures, and what a judge sees in them."""

import asyncio
import io
from math import ceil
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from negspace.facts import ModelFacts
from negspace.judge import Judge
from negspace.judge.base import Picture
from negspace.planning.estimates import estimator_for
from negspace.planning.negative import prompts_of
from negspace.planning.plan import Plan
from negspace.serve.access.tenants import Tenant
from negspace.serve.dialect import NATIVE_BODY, Caller, FromBody, Serving
from negspace.serve.service import Service, cost_of
from negspace.serve.studio.pages import render

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page(http: Request, service: Serving, tenant: Caller) -> Response:
    """The page."""
    catalogue = service.catalogue
    loras = await asyncio.to_thread(catalogue.loras, tenant)
    models = {name: _choices(facts, loras[name]) for name, facts in catalogue.models_for(tenant).items()}
    policies = {
        name: policy.explain
        for name, policy in catalogue.policies_for(tenant).items()
        if name not in tenant.policies
    }
    return render(
        http,
        "make",
        data={"models": models, "most_pictures": service.settings.most_pictures},
        models=models,
        policies=policies,
        binding=tenant.policies,
    )


def _choices(facts: ModelFacts, loras: tuple[str, ...]) -> dict[str, Any]:
    """What a page lets one choose for a model."""
    names = (
        "rule",
        "scale",
        "steps",
        "sampler",
        "width",
        "height",
        "multiple",
        "rules",
        "samplers",
        "guidance",
    )
    return {name: getattr(facts, name) for name in names} | {"loras": loras}


@router.post("/api/studio/plan", openapi_extra=NATIVE_BODY)
async def live_plan(request: FromBody, service: Serving, tenant: Caller) -> dict[str, Any]:
    """What of a plan is shown while one types, with the tokens that each encoder gets."""
    plan = await service.plan(request, tenant)
    facts = service.catalogue.facts(request.model)
    return {
        "terms": [
            {
                "term": term.avoid.term,
                "weight": term.avoid.weight,
                "span": term.span,
                "origins": term.origins or (term.avoid.source,),
                "locked": term.avoid.locked,
                "check": term.avoid.check,
                "channel": term.channel,
                "known": term.known,
                "unknown": term.unknown,
                "tokens": term.tokens,
            }
            for term in plan.terms
        ],
        "findings": [
            {"code": finding.code, "text": finding.text, "level": finding.level, "side": finding.side}
            for finding in plan.findings
        ],
        "blocks": [str(block) for block in plan.blocks],
        "acts": plan.acts,
        "why_not": plan.why_not,
        "rule": plan.rule,
        "scale": plan.scale,
        "steps": plan.steps,
        "sampler": plan.sampler,
        "size": [plan.width, plan.height],
        "evaluations": round(cost_of(plan)),
        "encoders": await asyncio.to_thread(_tokens, plan, facts),
    }


def _tokens(plan: Plan, facts: ModelFacts) -> list[dict[str, Any]]:
    """How many tokens of the prompt and of the negative each encoder reads, and in how many windows."""
    prompts = prompts_of(plan.positive, plan.carried.dialect, plan.steps)
    positive = max(estimator_for(facts).tokens(prompt.clean) for prompt in prompts)
    return [
        {
            "name": encoder.name,
            "chunk": encoder.chunk,
            "prompt": positive,
            "prompt_windows": max(1, ceil(positive / encoder.chunk)),
            "avoid": plan.negative_tokens,
            "avoid_windows": max(1, ceil(plan.negative_tokens / encoder.chunk)),
        }
        for encoder in facts.encoders
    ]


class Look(BaseModel):
    """Pictures that a judge is to look at.

    Attributes:
        pictures: ids of finished pictures.
        concepts: what it looks for, beside everything that it can list.
    """

    model_config = ConfigDict(extra="forbid")

    pictures: tuple[str, ...] = Field(min_length=1, max_length=8)
    concepts: tuple[str, ...] = Field(max_length=64)


@router.post("/api/studio/look")
async def look(wish: Look, service: Serving, tenant: Caller) -> dict[str, Any]:
    """What the judge of the pictures' model sees in each: the concepts, and whatever differs between them."""
    pictures, model = await _pictures(wish.pictures, service, tenant)
    judge = await asyncio.to_thread(service.judges.of, model)
    if judge is None:
        return {"judge": None, "seen": []}
    seen = await asyncio.to_thread(_seen, judge, pictures, wish.concepts)
    return {"judge": judge.name, "seen": seen}


async def _pictures(ids: tuple[str, ...], service: Service, tenant: Tenant) -> tuple[list[Picture], str]:
    """Pictures, and the name of the model that made the first."""
    files = [await service.archive.picture(id, tenant) for id in ids]
    images = [Image.open(io.BytesIO(file.png)).convert("RGB") for file in files]
    return images, service.catalogue.model_name(files[0].receipt.request.model)


def _seen(judge: Judge, pictures: list[Picture], concepts: tuple[str, ...]) -> list[dict[str, Any]]:
    """Each concept with its verdict in every picture."""
    everything = tuple(dict.fromkeys((*concepts, *judge.concepts())))
    columns = zip(*judge.look(pictures, everything), strict=True)
    rows = [
        {
            "concept": concept,
            "avoided": concept in concepts,
            "verdicts": [verdict.verdict for verdict in column],
        }
        for concept, column in zip(everything, columns, strict=True)
    ]
    return [row for row in rows if row["avoided"] or len(set(row["verdicts"])) > 1]
