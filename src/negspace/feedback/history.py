"""Rounds of feedback: each picture avoids what people complained of in those before it.

history = History.of("blurry").after("lose the hat").after("and it is too dark")
history.avoid_list                      # for the next picture
history.without(history.changes[0])     # as if the hat had never been complained of
"""

from collections.abc import Sequence
from typing import final

from negspace.avoid.merging import AvoidList
from negspace.errors import RequestError
from negspace.feedback.answer import answer_of
from negspace.feedback.revision import Change, Revision, revise
from negspace.frozen import Frozen
from negspace.request import Avoid


@final
class History(Frozen):
    """What was avoided at first, and every complaint since. All else follows from these.

    Attributes:
        first: the list of the first picture.
        complaints: in order.
        undone: changes that were taken back: (number of the complaint, number of its change), both from 0.
    """

    first: AvoidList = AvoidList()
    complaints: tuple[str, ...] = ()
    undone: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, avoid: AvoidList | str | Sequence[Avoid] | None) -> "History":
        """The history of a first picture.

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
        """Every change that was not taken back, in order; each names the complaint it came from."""
        return tuple(change for _, change in self._read()[1])

    @property
    def answer(self) -> tuple[str, ...]:
        """What to tell a person about the last complaint."""
        return answer_of(self._read()[2]) if self.complaints else ()

    def without(self, change: Change) -> "History":
        """The history as if one of its changes had not been made; the complaints after it are read anew.

        Raises:
            RequestError: it is not one of them.
        """
        place = next((place for place, other in self._read()[1] if other == change), None)
        if place is None:
            raise RequestError(f"the change of {change.term!r} is not one of this history")
        return self.model_copy(update={"undone": (*self.undone, place)})

    def _read(self) -> tuple[AvoidList, list[tuple[tuple[int, int], Change]], Revision]:
        """The list after all complaints, every change with its place in `undone`, and the last revision."""
        current = self.first
        revision = Revision(current, ())
        changes: list[tuple[tuple[int, int], Change]] = []
        for number, complaint in enumerate(self.complaints):
            revision = revise(current, complaint)
            places = [((number, index), change) for index, change in enumerate(revision.changes)]
            for place, change in reversed(places):
                if place in self.undone:
                    revision = revision.undo(change)
            changes += ((place, change) for place, change in places if place not in self.undone)
            current = revision.avoid_list
        return current, changes, revision
