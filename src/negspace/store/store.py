"""Requests and what became of them. A method is one transaction and may be called by any thread."""

import fcntl
import shutil
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

from sqlalchemy import Connection, Row, Select, delete, func, select, update
from sqlalchemy import insert as insert_into
from sqlalchemy.exc import SQLAlchemyError

from negspace.errors import OutputError
from negspace.receipt import Receipt
from negspace.request import Request
from negspace.store.clock import now
from negspace.store.opening import check_database, open_database
from negspace.store.pictures import Pictures
from negspace.store.records import (
    AcceptedRequest,
    FeedbackRecord,
    FinishedRequest,
    RequestState,
)
from negspace.store.rows import (
    accepted_request,
    finished_requests,
    readable,
    select_finished,
    state_of,
)
from negspace.store.tables import conversations, feedback, pictures, plans, receipts, requests, trials, usage

DAY = 86_400

_LEAST_FREE = 64 * 2**20
"""Bytes that must be free: some pictures, and the log of the database."""


@final
class Store:
    """A database and a folder of pictures. One store at a time has a folder.

    Args:
        folder: for the pictures, and for the database where no URL is given; made as needed.
        url: of the database; None is SQLite in the folder.

    Raises:
        OutputError: the folder cannot be used or another store has it, or the database cannot be opened.
    """

    def __init__(self, folder: Path, url: str | None = None) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock_file = open(folder / "lock", "w")
        except OSError as error:
            raise OutputError(f"cannot use {folder}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock_file.close()
            raise OutputError(f"another server has {folder}; give this one a folder of its own") from None
        self._engine = open_database(url or f"sqlite:///{folder / 'store.db'}")
        self._folder = folder
        self._pictures = Pictures(folder / "pictures")
        self._writing = threading.Lock()  # a file must not be dropped between its writing and its row
        self._sweep()

    def check(self) -> None:
        """Stop where nothing can be stored: the database is gone or damaged, or the disk is full.

        Raises:
            OutputError: so it is.
        """
        free = shutil.disk_usage(self._folder).free
        if free < _LEAST_FREE:
            raise OutputError(
                f"{free // 2**20} MiB are free where pictures are kept; {_LEAST_FREE // 2**20} are needed"
            )
        try:
            check_database(self._engine)
        except SQLAlchemyError as error:
            raise OutputError(f"the database cannot be used: {' '.join(str(error).split())[:200]}") from None

    def close(self) -> None:
        """Release the database and the folder."""
        self._engine.dispose()
        self._lock_file.close()

    # Requests

    def accept(self, accepted: AcceptedRequest, plan: str) -> None:
        """Store a request, with the plan that runs as JSON. Once this returns it is not lost any more."""
        row = {
            "id": accepted.id,
            "tenant": accepted.tenant,
            "conversation": accepted.conversation,
            "state": "accepted",
            "priority": accepted.priority,
            "deadline": accepted.deadline,
            "accepted": accepted.moment,
            "request": accepted.request.to_json(),
        }
        with self._writing, self._engine.begin() as connection:
            connection.execute(insert_into(requests), row)
            connection.execute(insert_into(plans), {"request": accepted.id, "plan": plan})
            if accepted.conversation is not None:
                _begin(connection, accepted.tenant, accepted.conversation, accepted.moment)

    def finish(self, id: str, receipt: Receipt, files: Sequence[bytes]) -> None:
        """Store the result of an accepted request.

        Args:
            id: of the request.
            receipt: of all its pictures.
            files: a PNG each.

        Raises:
            OutputError: a file cannot be written; the request stays accepted.
        """
        moment = now()
        with self._writing:
            names = [self._pictures.put(file) for file in files]
            with self._engine.begin() as connection:
                if not _end(connection, id, state="done", ended=moment):
                    return
                connection.execute(insert_into(receipts), {"request": id, "receipt": receipt.to_json()})
                rows = [{"request": id, "place": place, "sha256": name} for place, name in enumerate(names)]
                if rows:
                    connection.execute(insert_into(pictures), rows)
                row = connection.execute(select(requests).where(requests.c.id == id)).one()
                _spend(connection, row.tenant, int(moment // DAY), sum(receipt.evaluations.values()))
                if row.conversation is None:  # else feedback may ask for the same start once more
                    named = Request.from_json(row.request).without_pixels().to_json()
                    connection.execute(update(requests).where(requests.c.id == id).values(request=named))

    def fail(self, id: str, failure: str) -> None:
        """Store that an accepted request failed, and why, as JSON."""
        with self._writing, self._engine.begin() as connection:
            _end(connection, id, state="failed", ended=now(), failure=failure)

    def unfinished(self) -> list[AcceptedRequest]:
        """Requests that were accepted and have not ended, the oldest first.

        One that this version cannot read stays accepted, for the version that can; the log names it.
        """
        query = select(requests).where(requests.c.state == "accepted").order_by(requests.c.accepted)
        return list(readable(accepted_request, self._rows(query)))

    def state(self, id: str) -> RequestState | None:
        """The state of a request; None where there is none."""
        states = [state_of(row) for row in self._rows(select(requests).where(requests.c.id == id))]
        return states[0] if states else None

    def states(self, tenant: str, most: int) -> list[RequestState]:
        """The last requests of a tenant, the newest first; at most so many."""
        newest = requests.c.accepted.desc(), requests.c.id
        query = select(requests).where(requests.c.tenant == tenant).order_by(*newest).limit(most)
        return list(readable(state_of, self._rows(query)))

    def finished(self, id: str) -> FinishedRequest | None:
        """A request that is done; None where there is none."""
        with self._engine.connect() as connection:
            matches = finished_requests(connection, select_finished().where(requests.c.id == id))
        return matches[0] if matches else None

    def picture(self, sha256: str) -> bytes:
        """The file of a picture.

        Raises:
            OutputError: it is damaged or gone.
        """
        return self._pictures.get(sha256)

    def recent(self, tenant: str | None, most: int = 50) -> list[FinishedRequest]:
        """The last requests that are done, the newest first.

        Args:
            tenant: whose; None is everyone's.
            most: how many.
        """
        query = select_finished().order_by(requests.c.ended.desc()).limit(most)
        if tenant is not None:
            query = query.where(requests.c.tenant == tenant)
        with self._engine.connect() as connection:
            return finished_requests(connection, query)

    def plan(self, id: str) -> str | None:
        """The plan of a request, as JSON; None where there is none."""
        return self._value(select(plans.c.plan).where(plans.c.request == id))

    # Deletion

    def delete(self, id: str) -> bool:
        """Forget a request that has ended, with its plan, receipt and pictures; whether there was one."""
        ended = (requests.c.id == id) & (requests.c.state != "accepted")
        return self._delete(select(requests.c.id).where(ended)) > 0

    def expire(self, before: float) -> int:
        """Forget what ended before a moment, trials too; how many requests that were."""
        with self._writing, self._engine.begin() as connection:
            connection.execute(delete(trials).where(trials.c.moment < before))
        ended = (requests.c.state != "accepted") & (requests.c.ended < before)
        return self._delete(select(requests.c.id).where(ended))

    def _delete(self, chosen: Select[Any]) -> int:
        with self._writing:
            with self._engine.begin() as connection:
                ids = list(connection.scalars(chosen))
                of_ids = select(pictures.c.sha256).where(pictures.c.request.in_(ids))
                names = set(connection.scalars(of_ids))
                connection.execute(delete(requests).where(requests.c.id.in_(ids)))
                shared = select(pictures.c.sha256).where(pictures.c.sha256.in_(names))
                names -= set(connection.scalars(shared))
            for name in names:
                self._pictures.drop(name)
        return len(ids)

    def _sweep(self) -> None:
        """Drop files without a row: what was being written when an earlier server was killed."""
        self._pictures.sweep({row.sha256 for row in self._rows(select(pictures.c.sha256))})

    # Conversations and feedback

    def conversation(self, tenant: str, id: str) -> list[RequestState]:
        """The requests of a conversation, the oldest first."""
        query = (
            select(requests)
            .where(requests.c.tenant == tenant, requests.c.conversation == id)
            .order_by(requests.c.accepted, requests.c.id)
        )
        return list(readable(state_of, self._rows(query)))

    def conversations(self, tenant: str) -> list[str]:
        """The conversations of a tenant, the oldest first."""
        query = (
            select(conversations.c.id)
            .where(conversations.c.tenant == tenant)
            .order_by(conversations.c.begun, conversations.c.id)
        )
        return [row.id for row in self._rows(query)]

    def add_feedback(self, tenant: str, conversation: str, record: FeedbackRecord) -> None:
        """Store feedback."""
        row = {"tenant": tenant, "conversation": conversation, **asdict(record)}
        with self._writing, self._engine.begin() as connection:
            _begin(connection, tenant, conversation, record.moment)
            connection.execute(insert_into(feedback), row)

    def feedback(self, tenant: str, conversation: str) -> list[FeedbackRecord]:
        """The feedback of a conversation, the oldest first."""
        query = (
            select(feedback)
            .where(feedback.c.tenant == tenant, feedback.c.conversation == conversation)
            .order_by(feedback.c.id)
        )
        return [
            FeedbackRecord(row.request, row.complaint, row.thumbs, row.changes, row.moment)
            for row in self._rows(query)
        ]

    # Trials

    def put_trial(self, id: str, tenant: str, trial: str) -> None:
        """Store a trial, as JSON; one of the same id and tenant is replaced.

        Raises:
            OutputError: another tenant has one of this id.
        """
        moment = now()
        with self._writing, self._engine.begin() as connection:
            owner = connection.scalar(select(trials.c.tenant).where(trials.c.id == id))
            if owner is None:
                row = {"id": id, "tenant": tenant, "moment": moment, "trial": trial}
                connection.execute(insert_into(trials), row)
            elif owner == tenant:
                connection.execute(update(trials).where(trials.c.id == id).values(moment=moment, trial=trial))
            else:
                raise OutputError(f"the trial {id!r} is another tenant's")

    def trials(self, tenant: str) -> list[str]:
        """The trials of a tenant, the newest first."""
        query = select(trials.c.id).where(trials.c.tenant == tenant).order_by(trials.c.moment.desc())
        return [row.id for row in self._rows(query)]

    def delete_trial(self, id: str, tenant: str) -> bool:
        """Forget a trial of a tenant; whether there was one."""
        chosen = (trials.c.id == id) & (trials.c.tenant == tenant)
        with self._writing, self._engine.begin() as connection:
            return connection.execute(delete(trials).where(chosen)).rowcount > 0

    def trial(self, id: str, tenant: str) -> str | None:
        """A trial of a tenant, as JSON; None where there is none."""
        query = select(trials.c.trial).where(trials.c.id == id, trials.c.tenant == tenant)
        return self._value(query)

    # Use

    def spend(self, tenant: str, evaluations: int, now: float) -> None:
        """Count evaluations that were made for a tenant at a moment, beside those of its requests."""
        with self._writing, self._engine.begin() as connection:
            _spend(connection, tenant, int(now // DAY), evaluations)

    def spent(self, tenant: str, now: float) -> int:
        """Evaluations that were made for a tenant on the day (UTC) of a moment."""
        query = select(func.coalesce(func.sum(usage.c.evaluations), 0)).where(
            usage.c.tenant == tenant, usage.c.day == int(now // DAY)
        )
        return int(self._value(query))

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def _value(self, query: Select[Any]) -> Any:
        """The first column of the first row; None where there is none."""
        with self._engine.connect() as connection:
            return connection.scalar(query)


def _begin(connection: Connection, tenant: str, id: str, moment: float) -> None:
    """Begin a conversation that has not begun."""
    known = select(conversations.c.id).where(conversations.c.tenant == tenant, conversations.c.id == id)
    if connection.scalar(known) is None:
        connection.execute(insert_into(conversations), {"tenant": tenant, "id": id, "begun": moment})


def _end(connection: Connection, id: str, **values: object) -> bool:
    """End an accepted request; whether it was one."""
    chosen = (requests.c.id == id) & (requests.c.state == "accepted")
    return connection.execute(update(requests).where(chosen).values(values)).rowcount > 0


def _spend(connection: Connection, tenant: str, day: int, evaluations: int) -> None:
    same = (usage.c.tenant == tenant) & (usage.c.day == day)
    more = update(usage).where(same).values(evaluations=usage.c.evaluations + evaluations)
    if not connection.execute(more).rowcount:
        row = {"tenant": tenant, "day": day, "evaluations": evaluations}
        connection.execute(insert_into(usage), row)
