"""Problems: what is said of a picture becomes the request for the next one."""

from collections.abc import Iterator

from negspace.avoid.feedback import Revision, revise
from negspace.avoid.merging import AvoidList, Entry
from negspace.receipt import Receipt
from negspace.request import Avoid, Request


def after(receipt: Receipt, problem: str) -> tuple[Revision, Request | None]:
    """What changes after a complaint, and the request for the same picture with it; None where nothing does.

    What policies ask for applies to the next request as it did; of that, a complaint can only make heavier.

    Raises:
        RequestError: the complaint is too long.
    """
    fields = set(Avoid.model_fields)
    told = AvoidList(
        terms=tuple(
            Entry(
                Avoid.from_dict({name: getattr(term, name) for name in fields}),
                term.origins or (term.source,),
                term.span,
                term.locked,
            )
            for term in receipt.terms
        )
    )
    revision = revise(told, problem)
    if all(change.why_not is not None for change in revision.changes):
        return revision, None
    return revision, receipt.request.model_copy(update={"avoid": tuple(_own(revision))})


def _own(revision: Revision) -> Iterator[Avoid]:
    """What the next request says itself: all but what policies say, unless that was made heavier."""
    changed = [change.after for change in revision.changes if change.why_not is None]
    for entry in revision.avoid_list.terms:
        if "@" not in entry.avoid.source:
            yield entry.avoid
        elif entry in changed:
            yield Avoid(term=entry.avoid.term, weight=entry.avoid.weight, source="feedback")
