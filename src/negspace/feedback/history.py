"""History: an iteration over pictures, from one to the next by what people said of the last.

history = History.of("blurry").after("lose the hat").after("and it is too dark")
history.avoid_list                      # for the next picture
history.without(history.changes[0])     # as if the hat had never been complained of
"""

from collections.abc import Sequence
from typing import final

from negspace.avoid.merging import AvoidList
from negspace.errors import RequestError
from negspace.feedback.revision import Change, revise
from negspace.frozen import Frozen
from negspace.request import Avoid


@final
class History(Frozen):
    """What was avoided at first, and what was said since. All else follows from that.

    Attributes:
        first: the list of the first picture.
        complaints: what was said, in order.
        undone: changes that were taken back: (which complaint, which of its changes), both from 0.
    """

    first: AvoidList = AvoidList()
    complaints: tuple[str, ...] = ()
    undone: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, avoid: AvoidList | str | Sequence[Avoid] | None) -> "History":
        """A history of one picture.

        Raises:
            PromptError: the text cannot be read.
        """
        return cls(first=AvoidList.of(avoid))

    def after(self, complaint: str) -> "History":
        """The history with one complaint more."""
        return self.model_copy(update={"complaints": (*self.complaints, complaint)})

    @property
    def avoid_list(self) -> AvoidList:
        """What the next picture avoids."""
        return self._read()[0]

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change in force, in order; each names the complaint it came from."""
        return tuple(change for _, change in self._read()[1])

    def without(self, change: Change) -> "History":
        """The history as if one of its changes had not been made; what came later is read anew.

        Raises:
            RequestError: it is not one of them.
        """
        place = next((place for place, one in self._read()[1] if one == change), None)
        if place is None:
            raise RequestError(f"the change of {change.term!r} is not one of this history")
        return self.model_copy(update={"undone": (*self.undone, place)})

    def _read(self) -> tuple[AvoidList, list[tuple[tuple[int, int], Change]]]:
        current = self.first
        found: list[tuple[tuple[int, int], Change]] = []
        for number, complaint in enumerate(self.complaints):
            revision = revise(current, complaint)
            for index, change in reversed(list(enumerate(revision.changes))):
                if (number, index) in self.undone:
                    revision = revision.undo(change)
            gone = {index for which, index in self.undone if which == number}
            kept = [index for index in range(len(revision.changes) + len(gone)) if index not in gone]
            found += (((number, index), change) for index, change in zip(kept, revision.changes, strict=True))
            current = revision.avoid_list
        return current, found
