"""The tab Insights: what is complained of, which terms do nothing, what was refused, and what it cost."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from negspace.lab.results import ProofResult
from negspace.serve.access.tenants import Tenant
from negspace.serve.dialect import Caller, Serving
from negspace.serve.service import Service
from negspace.serve.studio.gallery import SEARCHED
from negspace.serve.studio.pages import render
from negspace.serve.studio.usage import TermUse, term_uses
from negspace.store import FinishedRequest
from negspace.store.store import DAY

router = APIRouter(include_in_schema=False)

_CONVERSATIONS = 200
_DAYS = 14
_ROWS = 12


@dataclass(frozen=True)
class Complaint:
    """A term that complaints asked to avoid: how often, and the prompt of the last picture."""

    term: str
    count: int
    prompt: str


@dataclass(frozen=True)
class Insight:
    """What a tenant's last requests show.

    Attributes:
        requests: how many were looked at.
        complaints: what is complained of again and again, the most frequent first.
        inert: terms that made no difference in some requests.
        policy_hits: terms that a judge saw at the first attempt and that a policy asks for.
        never_helped: terms that trials tried and that helped in none, with the verdict.
        refusals: why requests failed, with their number.
        days: evaluations by day, in days since the epoch, the last fourteen.
    """

    requests: int
    complaints: tuple[Complaint, ...]
    inert: tuple[TermUse, ...]
    policy_hits: tuple[TermUse, ...]
    never_helped: tuple[tuple[str, str], ...]
    refusals: tuple[tuple[str, int], ...]
    days: tuple[tuple[int, int], ...]


@router.get("/studio/insights")
async def page(http: Request, service: Serving, tenant: Caller) -> Response:
    """The page. It is about one's own requests, for administrators too."""
    return render(http, "insights", insight=await asyncio.to_thread(_insight, service, tenant))


def _insight(service: Service, tenant: Tenant) -> Insight:
    recent = service.store.recent(tenant.name, SEARCHED)
    uses = term_uses(each.receipt for each in recent)
    policies = {
        term.term
        for each in recent
        for term in each.receipt.terms
        if any("@" in origin for origin in term.origins)
    }
    return Insight(
        requests=len(recent),
        complaints=_complaints(service, tenant, recent)[:_ROWS],
        inert=tuple(use for use in uses if use.inert)[:_ROWS],
        policy_hits=tuple(use for use in uses if use.seen_before and use.term in policies)[:_ROWS],
        never_helped=_never_helped(service, tenant)[:_ROWS],
        refusals=_refusals(service, tenant)[:_ROWS],
        days=_days(recent),
    )


def _complaints(service: Service, tenant: Tenant, recent: Iterable[FinishedRequest]) -> tuple[Complaint, ...]:
    prompts = {each.accepted.id: each.receipt.request.prompt for each in recent}
    counts, last = Counter[str](), dict[str, str]()
    for conversation in service.store.conversations(tenant.name)[-_CONVERSATIONS:]:
        for record in service.store.feedback(tenant.name, conversation):
            for change in json.loads(record.changes):
                if change["direction"] != "allow":
                    counts[change["term"]] += 1
                    last[change["term"]] = prompts.get(record.request or "", last.get(change["term"], ""))
    return tuple(Complaint(term, count, last[term]) for term, count in counts.most_common())


def _never_helped(service: Service, tenant: Tenant) -> tuple[tuple[str, str], ...]:
    kinds: dict[str, set[str]] = {}
    for id in service.store.trials(tenant.name)[:100]:
        content = service.store.trial(id, tenant.name)
        verdicts = {} if content is None else ProofResult.from_json(content).verdicts
        for term, verdict in verdicts.items():
            kinds.setdefault(term, set()).add(verdict.kind)
    return tuple((term, ", ".join(sorted(seen))) for term, seen in kinds.items() if "helps" not in seen)


def _refusals(service: Service, tenant: Tenant) -> tuple[tuple[str, int], ...]:
    states = service.store.states(tenant.name, SEARCHED)
    reasons = Counter(json.loads(state.failure)["message"] for state in states if state.failure is not None)
    return tuple(reasons.most_common())


def _days(recent: Iterable[FinishedRequest]) -> tuple[tuple[int, int], ...]:
    """Evaluations of each day with any, the newest last."""
    by_day = Counter[int]()
    for each in recent:
        by_day[int(each.moment // DAY)] += sum(each.receipt.evaluations.values())
    return tuple(sorted(by_day.items())[-_DAYS:])
