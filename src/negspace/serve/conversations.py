"""Conversations: requests that belong together; feedback about their pictures becomes the next one."""

import asyncio
import io
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from negspace.avoid.merging import AvoidList, Entry
from negspace.errors import RequestError
from negspace.feedback.revision import Change, Revision, revise
from negspace.feedback.thumbs import Proposal, propose
from negspace.judge.thumbs import propose_from_thumbs
from negspace.planning.plan import Plan
from negspace.request import Avoid, Request
from negspace.serve.access.tenants import Tenant
from negspace.serve.extension_fields import ClientRequest, Thumbs
from negspace.serve.jobs.job import Job
from negspace.serve.refusal import Refusal, not_found
from negspace.serve.service import Service
from negspace.store import AcceptedRequest, FeedbackRecord, RequestState

LONGEST = 4000
"""Characters of a complaint."""

_MOST_PICTURES = 100
"""Pictures of either thumbs that a judge looks at, the last ones of a conversation."""


@dataclass(frozen=True)
class NextRequest:
    """What follows from feedback.

    Attributes:
        about: id of the request that it was about.
        changes: of what is avoided.
        job: makes the next iteration; None where nothing is to be changed.
    """

    about: str
    changes: tuple[Change, ...]
    job: Job | None


async def feedback(
    service: Service,
    tenant: Tenant,
    conversation: str | None,
    *,
    complaint: str = "",
    thumbs: Thumbs | None = None,
    about: AcceptedRequest | str | None = None,
) -> NextRequest:
    """Store feedback about a picture, and make the picture again without what was complained of.

    The next request is the last one with the changed list, on the same seeds, so that what the change did
    can be seen. Terms that policies ask for apply to it as before; feedback can only make them heavier.
    Thumbs change the list once a judge sees something oftener in the pictures of the conversation that were
    disliked than in those that were liked, and more so than chance would have it.

    Args:
        service: that made the pictures.
        tenant: gives it.
        conversation: that the picture belongs to; None stores no feedback.
        complaint: plain English; "" is none.
        thumbs: 1 up, -1 down.
        about: a request that is done, or the id of one of the conversation; None is the last that is done.

    Raises:
        Refusal: there is no such request; or the next one is refused.
        RequestError: there is no feedback, or too much.
    """
    if not isinstance(about, AcceptedRequest):
        about = (await _request_about(service, tenant, conversation, about)).accepted
    revision = await _revised(service, tenant, conversation, about, complaint, thumbs)
    if not any(change.why_not is None for change in revision.changes):
        return NextRequest(about.id, revision.changes, None)
    request = about.request.model_copy(update={"avoid": tuple(_request_terms(revision))})
    job = await service.submit(request, tenant, conversation=conversation)
    return NextRequest(about.id, revision.changes, job)


async def submit(service: Service, client: ClientRequest, tenant: Tenant, *, previews: int = 0) -> Job:
    """Accept a request of a client of another dialect.

    With a complaint or thumbs it is the next iteration of its conversation: fields that the client leaves out
    are as in the last request, and what it avoids now is joined to the list before that is changed.

    Args:
        service: accepts it.
        client: the request.
        tenant: on whose behalf.
        previews: as in `Service.submit`.

    Raises:
        NegspaceError: as `feedback` and `Service.submit`.
    """
    request = client.request
    if client.complaint or client.thumbs is not None:
        about = (await _request_about(service, tenant, client.conversation, None)).accepted
        revision = await _revised(
            service, tenant, client.conversation, about, client.complaint, client.thumbs, request
        )
        fields = {name: getattr(request, name) for name in client.given}
        request = about.request.model_copy(update={**fields, "avoid": tuple(_request_terms(revision))})
    return await service.submit(request, tenant, previews=previews, **client.submit_arguments)


def changes_of(changes: tuple[Change, ...]) -> list[dict[str, Any]]:
    """Changes as JSON can hold them."""
    return [
        {
            "term": change.term,
            "concept": change.concept,
            "direction": change.direction,
            "said": change.clause,
            "before": None if change.before is None else change.before.avoid.weight,
            "after": None if change.after is None else change.after.avoid.weight,
            "why_not": change.why_not,
        }
        for change in changes
    ]


async def _request_about(
    service: Service, tenant: Tenant, conversation: str | None, about: str | None
) -> RequestState:
    """The request that feedback is about."""
    if conversation is None:
        raise RequestError("feedback: say which conversation it belongs to")
    requests = await asyncio.to_thread(service.store.conversation, tenant.name, conversation)
    if not requests:
        raise not_found(f"conversation {conversation!r}")
    done = [
        request for request in requests if request.state == "done" and about in (None, request.accepted.id)
    ]
    if about is not None and about not in [request.accepted.id for request in requests]:
        raise not_found(f"request {about!r} in conversation {conversation!r}")
    if not done:
        raise Refusal("there is no picture yet to say anything about", 409, "under-way")
    return done[-1]


async def _revised(
    service: Service,
    tenant: Tenant,
    conversation: str | None,
    about: AcceptedRequest,
    complaint: str,
    thumbs: Thumbs | None,
    joined: Request | None = None,
) -> Revision:
    """What is to be avoided after feedback, which is stored where it belongs to a conversation.

    Args:
        joined: a request whose terms are joined to the list that is changed; None is none.
    """
    _refuse_feedback(complaint, thumbs, conversation)
    plan = Plan.from_json(await asyncio.to_thread(service.store.plan, about.id) or "")
    before = _avoid_list(plan)
    if joined is not None:
        entries = AvoidList.of(joined.avoid, joined.dialect).terms
        new = [entry for entry in entries if before.entry(entry.avoid.term) is None]
        before = AvoidList(terms=(*before.terms, *new))
    revision = revise(before, complaint)
    if thumbs is not None and conversation is not None:
        marks = await asyncio.to_thread(_thumbs_by_request, service, tenant, conversation)
        marks[about.id] = thumbs
        model = service.catalogue.model_name(about.request.model)
        second = await asyncio.to_thread(_with_proposals, service, model, revision.avoid_list, marks)
        revision = Revision(second.avoid_list, (*revision.changes, *second.changes))
    if conversation is not None:
        changes = json.dumps(changes_of(revision.changes))
        record = FeedbackRecord(about.id, complaint, thumbs, changes, time.time())
        await asyncio.to_thread(service.store.add_feedback, tenant.name, conversation, record)
    return revision


def _refuse_feedback(complaint: str, thumbs: Thumbs | None, conversation: str | None) -> None:
    if not complaint.strip() and thumbs is None:
        raise RequestError("feedback: say a complaint, or thumbs")
    if thumbs is not None and conversation is None:
        raise RequestError("feedback: thumbs count within a conversation; say which")
    if len(complaint) > LONGEST:
        raise RequestError(f"feedback: {len(complaint)} characters; {LONGEST} may be")
    if complaint != complaint.encode(errors="replace").decode():
        raise RequestError("feedback: it holds half a character (a lone surrogate), which is no text")


def _thumbs_by_request(service: Service, tenant: Tenant, conversation: str) -> dict[str, Thumbs]:
    """The last thumbs of each request of a conversation."""
    records = service.store.feedback(tenant.name, conversation)
    return {
        record.request: record.thumbs
        for record in records
        if record.request is not None and record.thumbs is not None
    }


def _with_proposals(service: Service, model: str, avoided: AvoidList, marks: dict[str, Thumbs]) -> Revision:
    """The list with what thumbs propose that is not in it yet."""
    judge = service.judges.of(model)
    liked, disliked = (
        _pictures(service, [id for id, thumbs in marks.items() if thumbs == mark])[-_MOST_PICTURES:]
        for mark in (1, -1)
    )
    proposals: tuple[Proposal, ...] = ()
    if judge is not None and disliked and liked:
        proposals = propose_from_thumbs(judge, disliked, liked)
    new = [proposal for proposal in proposals if avoided.entry(proposal.concept) is None]
    return propose(avoided, new, (len(disliked), len(liked)))


def _pictures(service: Service, ids: Sequence[str]) -> list[Image.Image]:
    """The pictures of requests, of those that are still there."""
    requests = [request for id in ids if (request := service.store.finished(id)) is not None]
    files = [service.store.picture(stored.sha256) for request in requests for stored in request.pictures]
    return [Image.open(io.BytesIO(file)).convert("RGB") for file in files]


def _avoid_list(plan: Plan) -> AvoidList:
    """Everything that was avoided, with what policies locked."""
    return AvoidList(
        terms=tuple(
            Entry(term.avoid, term.origins or (term.avoid.source,), term.span, term.avoid.locked)
            for term in plan.terms
        )
    )


def _request_terms(revision: Revision) -> Iterator[Avoid]:
    """The terms of the next request: all but those of policies, and of those what was made heavier."""
    changed = {change.after for change in revision.changes if change.why_not is None}
    for entry in revision.avoid_list.terms:
        if "@" not in entry.avoid.source:
            yield entry.avoid
        elif entry in changed:
            yield Avoid(term=entry.avoid.term, weight=entry.avoid.weight, source="feedback")
