"""Rows of the tables as plain values."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, select

from negspace.errors import RequestError
from negspace.receipt import Receipt
from negspace.request import Request
from negspace.store.records import AcceptedRequest, FinishedRequest, RequestState, StoredPicture
from negspace.store.tables import pictures, receipts, requests

Value = TypeVar("Value")

log = logging.getLogger(__name__)


def readable(read: Callable[[Row[Any]], Value], rows: Iterable[Row[Any]]) -> Iterator[Value]:
    """What can be read of some rows of requests; of the others the log says why."""
    for row in rows:
        try:
            yield read(row)
        except RequestError as error:
            log.warning("request %s is of another version and is set aside: %s", row.id, error)


def state_of(row: Row[Any]) -> RequestState:
    """The state of a request, from its row."""
    return RequestState(accepted_request(row), row.state, row.ended, row.failure)


def accepted_request(row: Row[Any]) -> AcceptedRequest:
    """A request, from its row."""
    return AcceptedRequest(
        row.id,
        row.tenant,
        Request.from_json(row.request),
        row.priority,
        row.deadline,
        row.conversation,
        row.accepted,
    )


def select_finished() -> Select[Any]:
    """The rows of requests that are done, with their receipts."""
    return select(requests, receipts.c.receipt).join(receipts).where(requests.c.state == "done")


def finished_requests(connection: Connection, query: Select[Any]) -> list[FinishedRequest]:
    """The requests that a query of `select_finished` gives, with their pictures."""
    rows = connection.execute(query).all()
    by_request: dict[str, list[StoredPicture]] = {row.id: [] for row in rows}
    chosen = select(pictures).where(pictures.c.request.in_(by_request)).order_by(pictures.c.place)
    for row in connection.execute(chosen):
        by_request[row.request].append(StoredPicture(row.place, row.sha256))
    return [
        FinishedRequest(
            accepted_request(row), Receipt.from_json(row.receipt), tuple(by_request[row.id]), row.ended
        )
        for row in rows
    ]
