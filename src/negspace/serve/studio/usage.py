"""What became of avoided terms in the pictures that were made lately."""

from collections.abc import Iterable
from dataclasses import dataclass

from negspace.receipt import Receipt
from negspace.records import TermRecord


@dataclass(frozen=True)
class TermUse:
    """What became of one term.

    Attributes:
        term: its words.
        requests: in which it was avoided.
        active: of these, how many it was part of a difference in.
        looked, seen_before, seen_after: pictures that a judge looked for it in, and saw it in at the first
            attempt and at the one that counts.
        reasons: why it was inert, each once.
    """

    term: str
    requests: int = 0
    active: int = 0
    looked: int = 0
    seen_before: int = 0
    seen_after: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def inert(self) -> int:
        """Requests in which it made no difference."""
        return self.requests - self.active

    def and_in(self, record: TermRecord) -> "TermUse":
        """The use with one more request."""
        acted = record.effect == "active"
        reason = () if acted or record.why_not is None else (record.why_not,)
        return TermUse(
            self.term,
            self.requests + 1,
            self.active + acted,
            self.looked + record.looked,
            self.seen_before + record.seen_before,
            self.seen_after + record.seen_after,
            tuple(dict.fromkeys((*self.reasons, *reason))),
        )


def term_uses(receipts: Iterable[Receipt], policy: str | None = None) -> list[TermUse]:
    """The use of every term, the most used first.

    Args:
        receipts: of the pictures.
        policy: name of the policy that must have asked for the term; None is anybody.
    """
    uses: dict[str, TermUse] = {}
    for receipt in receipts:
        for record in receipt.terms:
            if policy is None or comes_from(record, policy):
                uses[record.term] = uses.get(record.term, TermUse(record.term)).and_in(record)
    return sorted(uses.values(), key=lambda use: -use.requests)


def comes_from(record: TermRecord, policy: str) -> bool:
    """Whether a policy asked for a term, in any version."""
    return any(origin.partition("@")[0] == policy for origin in record.origins if "@" in origin)
