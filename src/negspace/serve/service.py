"""Service: what every dialect calls. It plans, accepts, lets carry out, and keeps what came of it."""

import asyncio
import logging
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import final

from negspace import png
from negspace.avoid.plan import Plan, refuse_blocked
from negspace.errors import RequestError
from negspace.generate import Model, Result, load
from negspace.request import Request
from negspace.serve.catalogue import Catalogue
from negspace.serve.events import Done, Failed, Finished, Picture, Progress, picture_id
from negspace.serve.job import Job, Order
from negspace.serve.queue import Full, Queue, Ticket
from negspace.serve.refusal import forbidden, not_found, refusal_of, too_busy, too_many
from negspace.serve.settings import Settings, read_width
from negspace.serve.tenants import Tenant
from negspace.serve.worker import Listener, Worker

log = logging.getLogger(__name__)


@final
class Service(Listener):
    """The server without HTTP.

    Args:
        settings: of the operator.

    Attributes:
        settings: as given.
        catalogue: what may be asked for by name.

    Raises:
        NegspaceError: something in the settings cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalogue = Catalogue(settings)
        self._worker = Worker(
            self._open,
            width=read_width(settings.width),
            lanes=settings.lanes,
            resident=settings.resident,
            queue=Queue(settings.waiting, settings.share),
            listener=self,
        )
        self._jobs: dict[str, Job] = {}
        self._shelf: OrderedDict[str, tuple[str, Finished]] = OrderedDict()
        self._finishing = ThreadPoolExecutor(1, "finish")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = False

    @property
    def ready(self) -> bool:
        """Whether requests are taken."""
        return self._loop is not None and not self._draining

    async def start(self) -> None:
        """Begin to take requests."""
        self._loop = asyncio.get_running_loop()
        self._worker.start()

    def drain(self) -> None:
        """Take no more requests; those that were accepted go on."""
        self._draining = True

    async def stop(self) -> None:
        """Leave off, after the grace that the settings give to what was accepted."""
        self.drain()
        await asyncio.to_thread(self._worker.stop, self.settings.grace)
        await asyncio.to_thread(self._finishing.shutdown)

    async def plan(self, request: Request, tenant: Tenant) -> Plan:
        """What would become of a request; nothing is made.

        Raises:
            NegspaceError: it is impossible, or not for this tenant.
        """
        return (await self._planned(request, tenant))[1]

    async def submit(
        self,
        request: Request,
        tenant: Tenant,
        *,
        priority: int = 0,
        deadline: float | None = None,
        conversation: str | None = None,
        previews: int = 0,
    ) -> Job:
        """Accept a request.

        Args:
            request: what is asked; policies and embeddings by name.
            tenant: on whose behalf.
            priority: among the requests of the same tenant the higher goes first.
            deadline: seconds within which it must be finished; None is any time.
            conversation: that it belongs to.
            previews: how often each picture is to be shown on its way.

        Raises:
            Refusal: there is no room, or the tenant may not ask for this.
            NegspaceError: the request is impossible.
        """
        if not self.ready:
            raise too_busy("the server is stopping", self.settings.grace)
        carried, planned = await self._planned(request, tenant)
        refuse_blocked(planned)
        until = None if deadline is None else time.time() + deadline
        order = Order(request, carried, planned, tenant, priority, until, conversation, previews)
        job = Job(order, lambda: self._worker.withdraw(order.id))
        self._jobs[order.id] = job
        try:
            self._worker.offer(order, _ticket(order))
        except Full as full:
            del self._jobs[order.id]
            seconds = max(1.0, self._worker.seconds_for(full.ahead))
            if full.own:
                raise too_many("too many requests of yours wait already", seconds) from None
            raise too_busy("too many requests wait already", seconds) from None
        return job

    def job(self, id: str, tenant: Tenant) -> Job:
        """A job that has not ended.

        Raises:
            Refusal: there is none, or it is another tenant's.
        """
        job = self._jobs.get(id)
        if job is None or not tenant.sees(job.order.tenant.name):
            raise not_found(f"job {id!r} under way")
        return job

    async def finished(self, id: str, tenant: Tenant) -> Finished:
        """A job that came to its end.

        Raises:
            Refusal: there is none, or it is another tenant's.
        """
        owner, finished = self._shelf.get(id, ("", None))
        if finished is None or not tenant.sees(owner):
            raise not_found(f"finished job {id!r}")
        return finished

    async def picture(self, id: str, tenant: Tenant) -> Picture:
        """A finished picture.

        Raises:
            Refusal: there is none, or it is another tenant's.
        """
        owner, finished = self._shelf.get(id.rpartition("-")[0], ("", None))
        if finished is not None and tenant.sees(owner):
            for picture in finished.pictures:
                if picture.id == id:
                    return picture
        raise not_found(f"picture {id!r}")

    async def _planned(self, request: Request, tenant: Tenant) -> tuple[Request, Plan]:
        self._refuse_beyond(request)
        carried = self.catalogue.carried(request)
        if tenant.models is not None and carried.model not in tenant.models:
            raise forbidden(f"{tenant.name} may not ask for model {carried.model!r}")
        planned = await asyncio.to_thread(self.catalogue.plan, carried, tenant)
        self._refuse_large(planned)
        return carried, planned

    def _refuse_beyond(self, request: Request) -> None:
        """What is too much for any model, told before anything is done with it."""
        limits = self.settings
        length = len(request.without_pixels().to_json())
        if length > limits.longest_text:
            raise RequestError(f"the request is {length} characters long; {limits.longest_text} may be")
        if request.n > limits.most_pictures:
            raise RequestError(
                f"n {request.n}: at most {limits.most_pictures} pictures may be asked for at once"
            )

    def _refuse_large(self, planned: Plan) -> None:
        limits = self.settings
        if planned.steps > limits.most_steps:
            raise RequestError(f"steps {planned.steps}: at most {limits.most_steps} may be asked for")
        if planned.width * planned.height > limits.largest:
            raise RequestError(
                f"size {planned.width}x{planned.height}: at most {limits.largest} pixels may be asked for"
            )

    def _open(self, name: str) -> Model:
        return load(self.catalogue.place(name), width=read_width(self.settings.width))

    # What follows is called in other threads.

    def advanced(self, order: Order, progress: Progress) -> None:
        self._post(order, progress)

    def made(self, order: Order, result: Result) -> None:
        self._finishing.submit(self._finish, order, result)

    def failed(self, order: Order, error: Exception) -> None:
        why = refusal_of(error)
        if why.status == 500:
            log.error("job %s failed", order.id, exc_info=error)
        self._post(order, Failed(why))

    def _finish(self, order: Order, result: Result) -> None:
        try:
            receipt = self.catalogue.shown(result.receipt, order.request)
            pictures: list[Picture] = []
            for index, image in enumerate(result.images):
                png.attach(image, png.texts_of(receipt, index))
                pictures.append(
                    Picture(picture_id(order.id, index), png.encode(image), receipt.single(index))
                )
            finished = Finished(order.id, tuple(pictures), receipt, time.time() - order.accepted)
            self._shelf[order.id] = (order.tenant.name, finished)
            while len(self._shelf) > 1000:
                self._shelf.popitem(last=False)
        except Exception as error:
            self.failed(order, error)
        else:
            self._post(order, Done(finished))

    def _post(self, order: Order, event: Progress | Done | Failed) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._tell, order.id, event)

    def _tell(self, id: str, event: Progress | Done | Failed) -> None:
        job = self._jobs.get(id)
        if job is not None:
            job.post(event)
            if job.end is not None:
                del self._jobs[id]


def _ticket(order: Order) -> Ticket:
    planned = order.plan
    return Ticket(
        id=order.id,
        tenant=order.tenant.name,
        pictures=planned.request.n,
        cost=planned.steps * (2.0 if planned.acts else 1.0),
        priority=order.priority,
        deadline=order.deadline,
    )
