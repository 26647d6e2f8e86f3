"""What goes into the store and comes out of it, as plain values."""

from dataclasses import dataclass
from typing import Literal

from negspace.receipt import Receipt
from negspace.request import Request


@dataclass(frozen=True)
class AcceptedRequest:
    """A request that was accepted.

    Attributes:
        id: of the request.
        tenant: whose it is.
        request: as asked.
        priority: among those of the tenant.
        deadline: moment by which it must be finished; None is any.
        conversation: that it belongs to; None is none.
        moment: when it was accepted.
    """

    id: str
    tenant: str
    request: Request
    priority: int
    deadline: float | None
    conversation: str | None
    moment: float


@dataclass(frozen=True)
class RequestState:
    """The state of a request.

    Attributes:
        accepted: the request.
        state: "accepted" until it is "done" or "failed".
        moment: when it ended; None while it has not.
        failure: why it failed, as the JSON that was given for it; None where it did not.
    """

    accepted: AcceptedRequest
    state: Literal["accepted", "done", "failed"]
    moment: float | None
    failure: str | None


@dataclass(frozen=True)
class StoredPicture:
    """One picture in the store.

    Attributes:
        place: among the pictures of its request, from 0.
        sha256: of the file.
    """

    place: int
    sha256: str


@dataclass(frozen=True)
class FinishedRequest:
    """A request that is done.

    Attributes:
        accepted: the request.
        receipt: of its pictures.
        pictures: those that are there, in order.
        moment: when it was done.
    """

    accepted: AcceptedRequest
    receipt: Receipt
    pictures: tuple[StoredPicture, ...]
    moment: float


@dataclass(frozen=True)
class FeedbackRecord:
    """Feedback within a conversation.

    Attributes:
        request: what it is about; None where that is gone.
        complaint: what was complained of; "" where nothing was.
        thumbs: 1 up, -1 down, None neither.
        changes: what it changed, as JSON.
        moment: when it was given.
    """

    request: str | None
    complaint: str
    thumbs: Literal[1, -1] | None
    changes: str
    moment: float
