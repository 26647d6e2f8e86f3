"""The tab Policies: what each says, what a draft of it would change, and where its terms acted."""

import asyncio
import difflib
from collections.abc import Iterator
from typing import Any

import yaml
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from negspace.errors import PolicyError
from negspace.facts import ModelFacts
from negspace.planning.plan import plan
from negspace.policy.loading import parse_policy
from negspace.policy.policy import Policy
from negspace.request import Avoid
from negspace.request import Request as PictureRequest
from negspace.serve.access.request_limits import refuse_model
from negspace.serve.dialect import Caller, Serving
from negspace.serve.studio.gallery import SEARCHED
from negspace.serve.studio.pages import render
from negspace.serve.studio.usage import term_uses

router = APIRouter(include_in_schema=False)


@router.get("/studio/policies")
async def page(http: Request, service: Serving, tenant: Caller) -> Response:
    """The list."""
    policies = service.catalogue.policies_for(tenant)
    return render(http, "policies", policies=policies, binding=tenant.policies)


@router.get("/studio/policies/{name}")
async def policy_page(name: str, http: Request, service: Serving, tenant: Caller) -> Response:
    """One policy."""
    policy = service.catalogue.policy(name, tenant)
    owner = None if tenant.admin else tenant.name
    recent = await asyncio.to_thread(service.store.recent, owner, SEARCHED)
    uses = {use.term: use for use in term_uses((each.receipt for each in recent), policy.name)}
    return render(
        http,
        "policy",
        tab="policies",
        policy=policy,
        uses=uses,
        searched=len(recent),
        text=written(policy),
        models=list(service.catalogue.models_for(tenant)),
        data={"name": name},
    )


def written(policy: Policy) -> str:
    """A policy as YAML, with the terms of what it extends among its own; without words of other languages."""
    content = policy.model_dump(mode="json", exclude_defaults=True, exclude={"extends"})
    content["avoid"] = [_term(term) for term in content.get("avoid", ())]
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def _term(term: dict[str, Any]) -> dict[str, Any]:
    """A term without what reading fills in."""
    filled_in = {"origin": None, "translated": None, "unchecked": "refuse", "locked": False}
    return {
        name: value
        for name, value in term.items()
        if name not in filled_in or (filled_in[name] is not None and value != filled_in[name])
    }


class Draft(BaseModel):
    """A draft of a policy, and the prompts it is tried on.

    Attributes:
        text: YAML.
        prompts: what it is tried on.
        model: name; None is the default.
    """

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=200_000)
    prompts: tuple[str, ...] = Field(max_length=50)
    model: str | None = None


@router.post("/api/studio/policies/{name}/try")
async def try_draft(name: str, draft: Draft, service: Serving, tenant: Caller) -> dict[str, Any]:
    """What a draft changes: line by line, and in the plan of every prompt. Nothing is stored."""
    now = service.catalogue.policy(name, tenant)
    model = service.catalogue.model_name(draft.model)
    refuse_model(model, tenant)
    return await service.read(_tried, now, draft, service.catalogue.models[model])


def _tried(now: Policy, draft: Draft, facts: ModelFacts) -> dict[str, Any]:
    before = parse_policy(written(now), "in force")
    after = _read_draft(draft.text)
    return {
        "diff": list(_difference(written(before), draft.text)),
        "prompts": [
            {"prompt": prompt, "now": _effect(prompt, before, facts), "draft": _effect(prompt, after, facts)}
            for prompt in draft.prompts
        ],
    }


def _read_draft(text: str) -> Policy:
    """The draft as a policy, which may extend shipped policies and no files.

    Raises:
        PolicyError: it cannot be read.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return parse_policy(text, "draft")  # whose error names the line
    names = content.get("extends") if isinstance(content, dict) else None
    for name in names if isinstance(names, list) else [names]:
        if isinstance(name, str) and name.endswith((".yaml", ".yml")):
            raise PolicyError(f"draft: extends {name!r}: a draft may extend policies that ship, and no files")
    return parse_policy(text, "draft")


def _difference(before: str, after: str) -> Iterator[dict[str, str]]:
    """The lines that differ, with a little around them."""
    marks = {"+": "added", "-": "removed", "@": "place", " ": "same"}
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    for line in list(lines)[2:]:
        yield {"kind": marks[line[0]], "text": line[1:] if line[0] != "@" else line}


def _effect(prompt: str, policy: Policy, facts: ModelFacts) -> dict[str, Any]:
    """What a policy does to a prompt."""
    made = plan(PictureRequest(prompt=prompt, seed=0), facts, operator_policies=(policy,))
    return {
        "terms": [_weighted(term.avoid) for term in made.terms],
        "positive": made.positive,
        "blocks": [str(block) for block in made.blocks],
        "findings": [finding.text for finding in made.findings if finding.code != "blocked"],
    }


def _weighted(avoid: Avoid) -> str:
    return f"{avoid.term} ×{avoid.weight:g}" if avoid.weight != 1 else avoid.term
