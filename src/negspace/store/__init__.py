"""The store: requests, plans, pictures, feedback and trials in a database, and picture files in a folder.

A picture is only ever seen together with its receipt. The file is written first, then one transaction writes
the receipt, the pictures' rows and the end of the request; a file without a row is swept away at the next
start. Deleting goes the other way round.
"""

from negspace.store.pictures import Pictures
from negspace.store.records import (
    AcceptedRequest,
    FeedbackRecord,
    FinishedRequest,
    RequestState,
    StoredPicture,
)
from negspace.store.store import Store

__all__ = [
    "AcceptedRequest",
    "RequestState",
    "FinishedRequest",
    "StoredPicture",
    "Pictures",
    "FeedbackRecord",
    "Store",
]
