"""The reply to feedback that a dialect sends beside the pictures."""

from dataclasses import dataclass
from typing import Any

from negspace.feedback.answer import NOTHING_CHANGED, answer_of
from negspace.feedback.revision import Change, Revision
from negspace.receipt import Receipt


@dataclass(frozen=True)
class FeedbackReply:
    """What followed from feedback.

    Attributes:
        about: id of the request that it was about.
        revision: of what is avoided.
        before: sha256 of the pictures that it was about.
    """

    about: str
    revision: Revision
    before: tuple[str, ...] = ()

    def answer(self, receipt: Receipt | None = None) -> tuple[str, ...]:
        """The answer in plain words, a line each.

        Args:
            receipt: of the pictures that followed; None where none were made.
        """
        lines = answer_of(self.revision)
        if receipt is None or tuple(image.sha256 for image in receipt.images) != self.before:
            return lines
        why = "" if receipt.why_not is None else f" ({receipt.why_not})"
        same = f"{NOTHING_CHANGED} in the picture: it is the one from before{why}"
        return (same, *(line for line in lines if line != NOTHING_CHANGED))

    def to_plain(self, receipt: Receipt | None = None) -> dict[str, Any]:
        """The reply as JSON can hold it; `receipt` as in `answer`."""
        return {
            "about": self.about,
            "changes": changes_of(self.revision.changes),
            "statements": [
                {"kind": each.kind, "said": each.clause, "suggestions": list(each.suggestions)}
                for each in self.revision.statements
            ],
            "answer": list(self.answer(receipt)),
        }


def changes_of(changes: tuple[Change, ...]) -> list[dict[str, Any]]:
    """Changes as JSON can hold them."""
    return [
        {
            "term": change.term,
            "concept": change.concept,
            "direction": change.direction,
            "said": change.clause,
            "before": None if change.before is None else change.before.avoid.weight,
            "after": None if change.after is None else change.after.avoid.weight,
            "why_not": change.why_not,
        }
        for change in changes
    ]
