"""Which picture begins next. Pure policy: no threads, no clock of its own, no torch.

Between tenants it is fair by start-time fair queueing (Goyal, Vin, Cheng 1997): each tenant has a virtual
time that grows by what its pictures cost, divided by its weight; the one that is furthest behind goes first.
A tenant that had nothing waiting starts at the present virtual time, so that idling saves nothing up. Within
a tenant the higher priority goes first, then the earlier deadline, then who came first.
"""

import heapq
from dataclasses import dataclass, field
from math import inf
from typing import final


@dataclass(frozen=True)
class Ticket:
    """A job that waits.

    Attributes:
        id: of the job.
        tenant: whose it is.
        pictures: how many it asks for.
        cost: evaluations that one of them takes, about.
        priority: among those of the same tenant the higher goes first.
        deadline: moment after which nobody wants it; None is never.
        weight: of the tenant; one of weight 2 gets twice the share of one of weight 1.
    """

    id: str
    tenant: str
    pictures: int = 1
    cost: float = 1.0
    priority: int = 0
    deadline: float | None = None
    weight: float = 1.0

    @property
    def evaluations(self) -> float:
        """What all its pictures take, about."""
        return self.pictures * self.cost


class Full(Exception):
    """There is no room.

    Args:
        own_share: whether it is the tenant's own share that is used up, rather than the whole.
        ahead: evaluations that wait before there is room.
    """

    def __init__(self, own_share: bool, ahead: float) -> None:
        super().__init__()
        self.own_share = own_share
        self.ahead = ahead


@dataclass
class _TenantQueue:
    """What waits for one tenant."""

    time: float
    heap: list[tuple[int, float, int, str]] = field(default_factory=list)


@final
class Queue:
    """What waits.

    Args:
        capacity: pictures that may wait.
        share: the most of them that one tenant may have, from 0 to 1.
    """

    def __init__(self, capacity: int, share: float = 1.0) -> None:
        self._capacity = capacity
        self._tenant_capacity = max(1, int(capacity * share))
        self._tickets: dict[str, Ticket] = {}
        self._begun: dict[str, int] = {}
        self._reserved: dict[str, Ticket] = {}
        self._tenants: dict[str, _TenantQueue] = {}
        self._now = 0.0
        self._arrivals = 0

    def __len__(self) -> int:
        """Pictures that wait."""
        return sum(map(self._pictures_left, self._tickets.values()))

    @property
    def backlog(self) -> float:
        """Evaluations that wait, about."""
        return sum(map(self._cost_left, self._tickets.values()))

    def waiting(self, tenant: str) -> int:
        """Pictures that wait for one tenant."""
        return sum(map(self._pictures_left, self._of(tenant)))

    def reserve(self, ticket: Ticket) -> None:
        """Keep places for a job that is about to be added, or else to be dropped.

        Raises:
            Full: there is no room, for anyone or for this tenant.
        """
        reserved = [(other.tenant, other.pictures) for other in self._reserved.values()]
        of_tenant = sum(pictures for tenant, pictures in reserved if tenant == ticket.tenant)
        if self.waiting(ticket.tenant) + of_tenant + ticket.pictures > self._tenant_capacity:
            raise Full(True, sum(map(self._cost_left, self._of(ticket.tenant))))
        if len(self) + sum(pictures for _, pictures in reserved) + ticket.pictures > self._capacity:
            raise Full(False, self.backlog)
        self._reserved[ticket.id] = ticket

    def add(self, ticket: Ticket) -> None:
        """Let a job wait that has places, or that was accepted before, whether there is room or not."""
        self._reserved.pop(ticket.id, None)
        queue = self._tenants.setdefault(ticket.tenant, _TenantQueue(self._now))
        if not queue.heap:
            queue.time = max(queue.time, self._now)
        self._arrivals += 1
        deadline = inf if ticket.deadline is None else ticket.deadline
        heapq.heappush(queue.heap, (-ticket.priority, deadline, self._arrivals, ticket.id))
        self._tickets[ticket.id] = ticket
        self._begun[ticket.id] = 0

    def take(self) -> tuple[Ticket, int] | None:
        """The picture that begins now, as its job and its index in it; None where nothing waits."""
        waiting = [
            (queue.time, queue.heap[0][2], tenant) for tenant, queue in self._tenants.items() if queue.heap
        ]
        if not waiting:
            return None
        self._now, _, tenant = min(waiting)
        queue = self._tenants[tenant]
        ticket = self._tickets[queue.heap[0][-1]]
        queue.time += ticket.cost / ticket.weight
        index = self._begun[ticket.id]
        self._begun[ticket.id] += 1
        if not self._pictures_left(ticket):
            self._remove(ticket)
        return ticket, index

    def drop(self, id: str) -> None:
        """Take out what still waits of a job, and the places kept for it; neither need be there."""
        self._reserved.pop(id, None)
        if id in self._tickets:
            self._remove(self._tickets[id])

    def _of(self, tenant: str) -> list[Ticket]:
        return [ticket for ticket in self._tickets.values() if ticket.tenant == tenant]

    def _pictures_left(self, ticket: Ticket) -> int:
        return ticket.pictures - self._begun[ticket.id]

    def _cost_left(self, ticket: Ticket) -> float:
        return self._pictures_left(ticket) * ticket.cost

    def _remove(self, ticket: Ticket) -> None:
        queue = self._tenants[ticket.tenant]
        queue.heap = [entry for entry in queue.heap if entry[-1] != ticket.id]
        heapq.heapify(queue.heap)
        del self._tickets[ticket.id], self._begun[ticket.id]
        if not queue.heap and queue.time <= self._now:
            del self._tenants[ticket.tenant]
