"""What every dialect calls: requests are planned and accepted here, and the worker runs their plans."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, final

from negspace.errors import NegspaceError, RequestError
from negspace.findings import Finding
from negspace.generate import Model, load
from negspace.judge import open_judges
from negspace.planning.plan import Plan, refuse_blocked
from negspace.request import Request
from negspace.serve.access.authentication import Authentication, SignedLinks
from negspace.serve.access.request_limits import (
    Quotas,
    RateLimits,
    refuse_beyond,
    refuse_large,
    refuse_model,
)
from negspace.serve.access.sessions import Sessions
from negspace.serve.access.tenants import Tenant
from negspace.serve.audit import AuditLog
from negspace.serve.catalogue import Catalogue, Judges
from negspace.serve.jobs.archive import Archive
from negspace.serve.jobs.job import AcceptedJob, Done, Event, Failed, Job
from negspace.serve.jobs.outcomes import Outcomes, failure_json
from negspace.serve.jobs.queue import Full, Queue, Ticket
from negspace.serve.jobs.scheduler import JobScheduler
from negspace.serve.jobs.worker import Worker
from negspace.serve.observe import JobLog, Metrics, Traces
from negspace.serve.refusal import forbidden, not_found, refusal_of, too_busy, too_many
from negspace.serve.settings import ServerSettings, read_batching
from negspace.store import AcceptedRequest, Store
from negspace.store.clock import now

log = logging.getLogger(__name__)

Value = TypeVar("Value")

_READERS = 2
"""Threads that read what clients send."""


@final
class Service:
    """The server without HTTP.

    Args:
        settings: of the operator.

    Attributes:
        settings: as given.
        catalogue: what may be asked for by name.
        authentication: finds the tenant of a request.
        sessions: of browsers that have signed in.
        rate_limits: requests a minute.
        store: what was kept.
        archive: the same, for the tenant that it belongs to.
        quotas: how much a tenant may have.
        judges: which judge inspects the pictures of which model.
        metrics: what was counted.
        signed_links: addresses of pictures that need no key.
        audit: what was refused, blocked and withheld.

    Raises:
        NegspaceError: something in the settings cannot be read, or the store cannot be opened.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._judge = open_judges(settings.judges) if settings.judges else None
        self.settings = settings
        self.catalogue = Catalogue(settings)
        self.authentication = Authentication(settings.keys, self.catalogue.check_rights)
        self.sessions = Sessions()
        self.rate_limits = RateLimits()
        self.store = Store(settings.data, settings.database)
        self.archive = Archive(self.store, settings.data)
        self.quotas = Quotas(self.store)
        self.judges = Judges(self.catalogue)
        self.metrics = Metrics()
        self.signed_links = SignedLinks()
        self.audit = AuditLog(settings.log_prompts)
        self._readers = ThreadPoolExecutor(_READERS, "reading")
        meters = self.metrics, JobLog(settings.log_prompts), Traces(), self.audit
        self._outcomes = Outcomes(self.store, self.catalogue, meters, self._send)
        self._scheduler = JobScheduler(Queue(settings.waiting, settings.share))
        self._worker = Worker(
            self._scheduler,
            self._open,
            batching=read_batching(settings.batching),
            lanes=settings.lanes,
            resident=settings.resident,
            listener=self._outcomes,
        )
        self._jobs: dict[str, Job] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = False
        self._tidying: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether requests are taken."""
        return self._loop is not None and not self._draining

    async def problem(self) -> str | None:
        """Why nothing can be accepted now; None where it can."""
        if not self.ready:
            return "stopping"
        try:
            await asyncio.to_thread(self.store.check)
        except NegspaceError as error:
            return str(error)
        return None

    @property
    def waiting(self) -> int:
        """Pictures that wait."""
        return self._scheduler.waiting

    async def start(self) -> None:
        """Begin to take requests, those first that an earlier server accepted and did not finish."""
        self._loop = asyncio.get_running_loop()
        for accepted in await asyncio.to_thread(self.store.unfinished):
            await self._take_up(accepted)
        self._worker.start()
        if self.settings.retention is not None:
            self._tidying = asyncio.create_task(self.archive.expire_hourly(self.settings.retention))

    def drain(self) -> None:
        """Take no more requests; those that were accepted go on."""
        self._draining = True

    async def stop(self) -> None:
        """Stop, after the grace that the settings give to what was accepted.

        What is not finished by then stays accepted, and the next server takes it up.
        """
        self.drain()
        if self._tidying is not None:
            self._tidying.cancel()
        await asyncio.to_thread(self._worker.stop, self.settings.grace)
        await asyncio.to_thread(self._outcomes.close)
        self._readers.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self.store.close)

    async def read(self, function: Callable[..., Value], *arguments: object) -> Value:
        """What a function makes of something that a client sent, in one of a few threads.

        However many clients send pictures that take long to decode, no more cores work at them.
        """
        return await asyncio.get_running_loop().run_in_executor(self._readers, function, *arguments)

    def under_way(self, tenant: Tenant) -> float:
        """Evaluations that were accepted for a tenant and have not ended, about."""
        jobs = [job.accepted for job in self._jobs.values() if job.accepted.tenant.name == tenant.name]
        return sum(_ticket(job).evaluations for job in jobs)

    async def plan(self, request: Request, tenant: Tenant) -> Plan:
        """The plan of a request, for clients; nothing is made.

        Raises:
            NegspaceError: it is impossible, or not for this tenant.
        """
        return self.catalogue.public_plan(await self._plan_within_limits(request, tenant), request)

    async def submit(
        self,
        request: Request,
        tenant: Tenant,
        *,
        priority: int = 0,
        deadline: float | None = None,
        conversation: str | None = None,
        previews: int = 0,
        findings: Sequence[Finding] = (),
    ) -> Job:
        """Accept a request. Once this returns it is not lost, whatever becomes of the process.

        Args:
            request: what is asked; policies and embeddings by name.
            tenant: on whose behalf.
            priority: among the requests of the same tenant the higher goes first.
            deadline: seconds within which it must be finished; None is any time.
            conversation: that it belongs to.
            previews: how often each picture is to be shown on its way.
            findings: of the reading of what the client sent; they join those of the plan.

        Raises:
            Refusal: there is no room, or the tenant may not ask for this.
            NegspaceError: the request is impossible.
        """
        if not self.ready:
            raise too_busy("the server is stopping", self.settings.grace)
        self.rate_limits.admit(tenant)
        plan = await self._plan_within_limits(request, tenant)
        self.audit.blocked(tenant, plan)
        refuse_blocked(plan)
        plan = plan.model_copy(update={"findings": (*findings, *plan.findings)})
        until = None if deadline is None else now() + deadline
        job = AcceptedJob(request, plan, tenant, priority, until, conversation, previews)
        ticket = _ticket(job)
        await asyncio.to_thread(self.quotas.refuse_over, tenant, ticket.evaluations, self.under_way(tenant))
        self._reserve(ticket)
        try:
            await asyncio.shield(asyncio.to_thread(_accept, self.store, job))
        except BaseException:
            self._scheduler.release(job.id)
            raise
        return self._add(job, ticket)

    def job(self, id: str, tenant: Tenant) -> Job:
        """A job that has not ended.

        Raises:
            Refusal: there is none, or it is another tenant's.
        """
        job = self._jobs.get(id)
        if job is None or not tenant.sees(job.accepted.tenant.name):
            raise not_found(f"job {id!r} under way")
        return job

    def _add(self, accepted: AcceptedJob, ticket: Ticket) -> Job:
        id = accepted.id
        job = Job(accepted, lambda: self._scheduler.cancel(id), lambda: self._scheduler.request_preview(id))
        self._jobs[id] = job
        self._scheduler.add(accepted, ticket)
        return job

    def _reserve(self, ticket: Ticket) -> None:
        try:
            self._scheduler.reserve(ticket)
        except Full as full:
            seconds = max(1.0, self._worker.seconds_for(full.ahead))
            if full.own_share:
                raise too_many("too many requests of yours wait already", seconds) from None
            raise too_busy("too many requests wait already", seconds) from None

    async def _plan_within_limits(self, request: Request, tenant: Tenant) -> Plan:
        """The plan of a request that is within the limits of the server and the tenant."""
        refuse_beyond(request, self.settings, tenant)
        resolved = self.catalogue.resolved(request, tenant)
        refuse_model(resolved.model, tenant)
        plan = await asyncio.to_thread(self.catalogue.plan, resolved, tenant)
        refuse_large(plan, self.settings, tenant)
        return plan

    async def _accepted_plan(self, accepted: AcceptedRequest, tenant: Tenant) -> Plan:
        """The plan that an earlier server accepted, within the limits of today."""
        plan = await asyncio.to_thread(_stored_plan, self.store, accepted)
        if plan is None:
            log.warning("job %s has no plan that can run, of an earlier version; planned again", accepted.id)
            return await self._plan_within_limits(accepted.request, tenant)
        refuse_beyond(accepted.request, self.settings, tenant)
        refuse_model(self.catalogue.model_name(plan.request.model), tenant)
        refuse_large(plan, self.settings, tenant)
        return plan

    async def _take_up(self, accepted: AcceptedRequest) -> None:
        """Queue a request that an earlier server accepted; it fails where it is not possible any more."""
        try:
            tenant = self.authentication.by_name(accepted.tenant)
            if tenant is None:
                raise forbidden(f"there is no tenant {accepted.tenant!r} any more")
            plan = await self._accepted_plan(accepted, tenant)
            refuse_blocked(plan)
        except NegspaceError as error:
            await asyncio.to_thread(self.store.fail, accepted.id, failure_json(refusal_of(error)))
            return
        job = AcceptedJob(
            accepted.request,
            plan,
            tenant,
            accepted.priority,
            accepted.deadline,
            accepted.conversation,
            id=accepted.id,
            accepted_at=accepted.moment,
        )
        self._add(job, _ticket(job))

    def _open(self, name: str) -> Model:
        batching = read_batching(self.settings.batching)
        return load(self.catalogue.source(name), batching=batching, judge=self._judge)

    def _send(self, id: str, event: Event) -> None:
        """Send an event to the readers of a job. Called by any thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._post, id, event)

    def _post(self, id: str, event: Event) -> None:
        job = self._jobs.get(id)
        if job is not None:
            job.post(event)
            if isinstance(event, Done | Failed):
                del self._jobs[id]


def cost_of(plan: Plan) -> float:
    """Evaluations that one picture of a plan takes, about: two a step that is not left out, and one more for
    each group where locked terms have branches of their own."""
    start, hires = plan.carried.start, plan.hires
    steps = plan.steps - (0 if start is None else start.skipped(plan.steps))
    steps += 0 if hires is None else hires.steps_taken
    return steps * (2.0 + len(plan.groups) if plan.acts or plan.scale != 1.0 else 1.0)


def _ticket(job: AcceptedJob) -> Ticket:
    return Ticket(
        id=job.id,
        tenant=job.tenant.name,
        pictures=job.plan.request.n,
        cost=cost_of(job.plan),
        priority=job.priority,
        deadline=job.deadline,
        weight=job.tenant.weight,
    )


def _accept(store: Store, job: AcceptedJob) -> None:
    """Store a request with the plan that runs. The request has the pixels of both."""
    accepted = AcceptedRequest(
        job.id,
        job.tenant.name,
        job.request,
        job.priority,
        job.deadline,
        job.conversation,
        job.accepted_at,
    )
    store.accept(accepted, job.plan.without_pixels().to_json())


def _stored_plan(store: Store, accepted: AcceptedRequest) -> Plan | None:
    """The plan of a stored request, ready to run; None where an earlier version stored one for clients
    alone, or none."""
    try:
        plan = Plan.from_json(store.plan(accepted.id) or "")
    except RequestError:
        return None
    return None if plan.model is None else plan.with_start(accepted.request.start)
