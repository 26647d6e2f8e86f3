"""The queue as pure policy: bounds, fairness, priorities, deadlines."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from negspace.serve.jobs.queue import Full, Queue, Ticket


def offer(queue: Queue, ticket: Ticket) -> None:
    queue.reserve(ticket)
    queue.add(ticket)


def drain(queue: Queue) -> list[tuple[str, int]]:
    order: list[tuple[str, int]] = []
    while (taken := queue.take()) is not None:
        order.append((taken[0].id, taken[1]))
    return order


def test_one_tenant_first_come_first_served() -> None:
    queue = Queue(10)
    for name in "abc":
        offer(queue, Ticket(name, "one", pictures=2))
    assert drain(queue) == [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("c", 0), ("c", 1)]
    assert len(queue) == 0 and queue.take() is None


def test_priority_before_deadline_before_arrival() -> None:
    queue = Queue(10)
    offer(queue, Ticket("plain", "one"))
    offer(queue, Ticket("later", "one", deadline=9.0))
    offer(queue, Ticket("sooner", "one", deadline=5.0))
    offer(queue, Ticket("urgent", "one", priority=1))
    assert [id for id, _ in drain(queue)] == ["urgent", "sooner", "later", "plain"]


def test_a_flood_does_not_hold_up_another_tenant() -> None:
    queue = Queue(1000)
    for number in range(100):
        offer(queue, Ticket(f"flood {number}", "loud"))
    for _ in range(50):
        queue.take()
    offer(queue, Ticket("small", "quiet"))
    nexts = [queue.take() for _ in range(2)]
    assert "small" in [taken[0].id for taken in nexts if taken]


def test_idling_saves_nothing_up() -> None:
    queue = Queue(1000)
    for number in range(20):
        offer(queue, Ticket(f"early {number}", "early"))
    for _ in range(10):
        queue.take()
    for number in range(20):
        offer(queue, Ticket(f"late {number}", "late"))
    first = Counter(id.split()[0] for id, _ in drain(queue)[:10])
    assert first == {"early": 5, "late": 5}


def test_a_weight_of_two_gets_two_thirds() -> None:
    queue = Queue(1000)
    for number in range(60):
        offer(queue, Ticket(f"heavy {number}", "heavy", weight=2.0))
        offer(queue, Ticket(f"light {number}", "light"))
    first = Counter(id.split()[0] for id, _ in drain(queue)[:30])
    assert first == {"heavy": 20, "light": 10}


def test_room_for_all_and_for_one() -> None:
    queue = Queue(4, share=0.5)
    offer(queue, Ticket("a", "one", pictures=2, cost=3.0))
    with pytest.raises(Full) as own:
        offer(queue, Ticket("b", "one"))
    assert own.value.own_share and own.value.ahead == 6.0
    offer(queue, Ticket("c", "two", pictures=2))
    with pytest.raises(Full) as whole:
        offer(queue, Ticket("d", "three"))
    assert not whole.value.own_share and whole.value.ahead == 8.0
    queue.drop("a")
    offer(queue, Ticket("d", "three"))
    assert [id for id, _ in drain(queue)] == ["c", "d", "c"]


def test_kept_places_count_until_they_are_given_back() -> None:
    queue = Queue(2)
    queue.reserve(Ticket("a", "one", pictures=2))
    with pytest.raises(Full):
        queue.reserve(Ticket("b", "two"))
    assert queue.take() is None and len(queue) == 0
    queue.drop("a")
    offer(queue, Ticket("b", "two"))
    queue.add(Ticket("c", "three", pictures=5))
    assert len(queue) == 6


def test_who_is_dropped_waits_no_longer() -> None:
    queue = Queue(4)
    offer(queue, Ticket("a", "one", deadline=5.0))
    offer(queue, Ticket("b", "one"))
    queue.drop("a")
    queue.drop("a")
    assert [id for id, _ in drain(queue)] == ["b"]


tickets = st.builds(
    lambda number, tenant, pictures, cost, priority: Ticket(
        str(number), tenant, pictures=pictures, cost=float(cost), priority=priority
    ),
    st.integers(0, 10**9),
    st.sampled_from("ABC"),
    st.integers(1, 4),
    st.integers(1, 50),
    st.integers(-2, 2),
)


@given(st.lists(tickets, unique_by=lambda ticket: ticket.id), st.data())
def test_every_picture_is_taken_once_whatever_comes_between(
    several: list[Ticket], data: st.DataObject
) -> None:
    queue, taken = Queue(10**6), []
    for ticket in several:
        offer(queue, ticket)
        if data.draw(st.booleans()):
            taken.append(queue.take())
    while len(queue):
        taken.append(queue.take())
    places = Counter((one[0].id, one[1]) for one in taken if one)
    assert places == {(ticket.id, index): 1 for ticket in several for index in range(ticket.pictures)}
    assert queue.backlog == 0.0


@given(st.lists(tickets, unique_by=lambda ticket: ticket.id, min_size=1))
def test_while_all_wait_no_tenant_is_ahead_by_more_than_one_picture_each(several: list[Ticket]) -> None:
    """The bound of start-time fair queueing: |W_i - W_j| <= l_i + l_j, with l the dearest picture."""
    queue = Queue(10**6)
    for ticket in several:
        offer(queue, ticket)
    spent, dearest = Counter[str](), Counter[str]()
    for ticket in several:
        dearest[ticket.tenant] = max(dearest[ticket.tenant], int(ticket.cost))
    while all(queue.waiting(tenant) for tenant in dearest):
        taken = queue.take()
        assert taken is not None
        spent[taken[0].tenant] += int(taken[0].cost)
        for one in dearest:
            for other in dearest:
                assert abs(spent[one] - spent[other]) <= dearest[one] + dearest[other]
