"""Conversations: requests that belong together; what is said about their pictures becomes the next one."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from negspace.avoid.feedback import Change, Revision, revise
from negspace.avoid.merging import AvoidList, Entry
from negspace.avoid.plan import Plan
from negspace.errors import RequestError
from negspace.request import Avoid, Request
from negspace.serve.job import Job
from negspace.serve.refusal import Refusal, not_found
from negspace.serve.service import Service
from negspace.serve.tenants import Tenant
from negspace.store import Ended, Said

LONGEST = 4000
"""Characters of a complaint."""


@dataclass(frozen=True)
class Next:
    """What follows from feedback.

    Attributes:
        about: id of the request that it was about.
        changes: of what is avoided.
        request: the next iteration; None where nothing is to be changed.
        job: that makes it; None where there is none.
    """

    about: str
    changes: tuple[Change, ...]
    request: Request | None
    job: Job | None


async def feedback(
    service: Service,
    tenant: Tenant,
    conversation: str,
    *,
    complaint: str = "",
    thumbs: Literal[1, -1] | None = None,
    about: str | None = None,
) -> Next:
    """Keep what is said of a picture, and make it again without what was complained of.

    The next request is the last one with the changed list, on the same seeds, so that what the change did
    can be seen. Terms that policies ask for apply to it as before; what is said of them can only make them
    heavier.

    Args:
        service: that made the pictures.
        tenant: who speaks.
        conversation: that the picture belongs to.
        complaint: plain English; "" is none.
        thumbs: 1 up, -1 down.
        about: id of a request of the conversation; None is the last that is done.

    Raises:
        Refusal: there is no such request; or the next one is refused.
        RequestError: nothing is said, or too much.
    """
    if not complaint.strip() and thumbs is None:
        raise RequestError("feedback: say a complaint, or thumbs")
    if len(complaint) > LONGEST:
        raise RequestError(f"feedback: {len(complaint)} characters; {LONGEST} may be")
    if complaint != complaint.encode(errors="replace").decode():
        raise RequestError("feedback: it holds half a character (a lone surrogate), which is no text")
    last = await _meant(service, tenant, conversation, about)
    planned = Plan.from_json(await asyncio.to_thread(service.store.plan, last.accepted.id) or "")
    revision = revise(_list_of(planned), complaint)
    said = Said(last.accepted.id, complaint, thumbs, json.dumps(changes_of(revision.changes)), time.time())
    await asyncio.to_thread(service.store.say, tenant.name, conversation, said)
    if not any(change.why_not is None for change in revision.changes):
        return Next(last.accepted.id, revision.changes, None, None)
    following = last.accepted.request.model_copy(update={"avoid": tuple(_own(revision))})
    job = await service.submit(following, tenant, conversation=conversation)
    return Next(last.accepted.id, revision.changes, following, job)


def changes_of(changes: tuple[Change, ...]) -> list[dict[str, Any]]:
    """Changes as JSON can hold them."""
    return [
        {
            "term": change.term,
            "concept": change.concept,
            "direction": change.direction,
            "said": change.said,
            "before": None if change.before is None else change.before.avoid.weight,
            "after": None if change.after is None else change.after.avoid.weight,
            "why_not": change.why_not,
        }
        for change in changes
    ]


async def _meant(service: Service, tenant: Tenant, conversation: str, about: str | None) -> Ended:
    """The request that feedback is about."""
    several = await asyncio.to_thread(service.store.conversation, tenant.name, conversation)
    if not several:
        raise not_found(f"conversation {conversation!r}")
    done = [one for one in several if one.state == "done" and about in (None, one.accepted.id)]
    if about is not None and about not in [one.accepted.id for one in several]:
        raise not_found(f"request {about!r} in conversation {conversation!r}")
    if not done:
        raise Refusal("there is no picture yet to say anything about", 409, "under-way")
    return done[-1]


def _list_of(planned: Plan) -> AvoidList:
    """Everything that was avoided, with what policies locked."""
    return AvoidList(
        terms=tuple(
            Entry(term.avoid, term.origins or (term.avoid.source,), term.span, term.avoid.locked)
            for term in planned.terms
        )
    )


def _own(revision: Revision) -> Iterator[Avoid]:
    """What a request must say itself: all but what policies say, and of that what was made heavier."""
    changed = {change.after for change in revision.changes if change.why_not is None}
    for entry in revision.avoid_list.terms:
        if "@" not in entry.avoid.source:
            yield entry.avoid
        elif entry in changed:
            yield Avoid(term=entry.avoid.term, weight=entry.avoid.weight, source="feedback")
