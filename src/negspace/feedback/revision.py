"""Revises what is avoided by what people say about a picture.

    revise("blurry", "the fingers look odd, and bring the hat back")

A complaint is read by rules and a lexicon (`negspace.feedback.lexicon`), so that the same words always change
the same things, unless another reader is given (`negspace.feedback.readers`). Thumbs alone work as well:
`negspace.feedback.thumbs`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from negspace.avoid.matching import phrase
from negspace.avoid.merging import AvoidList, Entry
from negspace.errors import RequestError
from negspace.feedback.lexicon import Opinion, entry_of
from negspace.feedback.readers import ComplaintReader, Lexicon
from negspace.feedback.statements import Statement
from negspace.request import Avoid, Check, strictest

Direction = Literal["avoid", "less", "allow"]

HEAVIEST = 2.0
_STEP = 1.25
_LIGHTEST = 0.3


@dataclass(frozen=True)
class Change:
    """One change to a list.

    Attributes:
        term: what it concerns, in the words of the negative.
        concept: its name in the lexicon; the term itself where the lexicon does not have it.
        direction: "avoid" it, have "less" of it, or "allow" it again.
        strength: as it was expressed; 1 is plain.
        feedback: the complaint it came from.
        clause: the part of the complaint that asks for it.
        before, after: the entry; None where there was none, or is none any more.
        why_not: why nothing changed although it was asked for; None where something did.
        read_by: who understood it so: "lexicon", an encoder's likeness, a chat model, or "thumbs".
    """

    term: str
    concept: str
    direction: Direction
    strength: float
    feedback: str
    clause: str
    before: Entry | None
    after: Entry | None
    why_not: str | None = None
    read_by: str = "lexicon"


@dataclass(frozen=True)
class Revision:
    """A list after feedback.

    Attributes:
        avoid_list: as revised.
        changes: what was changed, or would have been but for a reason, in the order of the feedback.
        statements: what asks for no change: praise, success, questions, what was not understood.
    """

    avoid_list: AvoidList
    changes: tuple[Change, ...]
    statements: tuple[Statement, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the list is another one."""
        return any(change.why_not is None for change in self.changes)

    @property
    def again(self) -> bool:
        """Whether another picture is asked for, on another seed."""
        return any(statement.kind == "again" for statement in self.statements)

    def undo(self, change: Change) -> "Revision":
        """The revision without one of its changes; the others stay.

        Raises:
            RequestError: it is not one of them.
        """
        if change not in self.changes:
            raise RequestError(f"the change of {change.term!r} is not one of this revision")
        rest = tuple(other for other in self.changes if other != change)
        return Revision(_replaced(self.avoid_list, change.term, change.before), rest, self.statements)


def revise(
    avoid_list: AvoidList | str | Sequence[Avoid] | None,
    complaint: str,
    reader: ComplaintReader | None = None,
) -> Revision:
    """What to avoid after a complaint.

    "avoid" adds the term or makes it heavier, "less" does so mildly, "allow" takes it out, or, with "a bit",
    halves it. A locked term is only ever made heavier. What is complained of is looked for from then on, and
    the picture is made again where an available judge sees it. Praise of what is avoided lets it in again.

    Args:
        avoid_list: the list, or the text or terms of one.
        complaint: plain English, one or several sentences.
        reader: who understands it; None is the lexicon.

    Raises:
        PromptError: the text of the list cannot be read.
        RequestError: the complaint is too long.
        FeedbackError: a chat model gave no usable answer.
    """
    current = AvoidList.of(avoid_list)
    read = (reader or Lexicon()).read(complaint, current)
    revision = apply_opinions(current, ((opinion, complaint) for opinion in read.opinions))
    return replace(revision, statements=read.statements)


def apply_opinions(avoid_list: AvoidList, opinions: Iterable[tuple[Opinion, str]]) -> Revision:
    """The list after opinions, each with the feedback that it came from."""
    changes: list[Change] = []
    for opinion, feedback in opinions:
        before = entry_of(opinion.concept, avoid_list)
        if opinion.praise and before is None:
            continue
        change = _change(opinion, before, feedback)
        avoid_list = _replaced(avoid_list, change.term, change.after)
        changes.append(change)
    return Revision(avoid_list, tuple(changes))


def _change(opinion: Opinion, before: Entry | None, feedback: str) -> Change:
    direction: Direction = "allow" if opinion.polarity == "for" else "less" if opinion.by_degree else "avoid"
    term = opinion.concept.term if before is None else before.avoid.term
    if direction == "allow":
        after, why_not = _allowed(term, opinion.strength, before)
    else:
        after = _heavier(term, direction, opinion.strength, before)
        why_not = f"{term!r} weighs {HEAVIEST:g} already, the most there is" if after == before else None
    return Change(
        term=term,
        concept=opinion.concept.name,
        direction=direction,
        strength=opinion.strength,
        feedback=feedback,
        clause=opinion.clause,
        before=before,
        after=after,
        why_not=why_not,
        read_by=opinion.read_by,
    )


def _allowed(term: str, strength: float, before: Entry | None) -> tuple[Entry | None, str | None]:
    """The entry of a term that is allowed again, and why it stays as it is, if it does."""
    if before is None:
        return None, f"{term!r} is not avoided"
    if before.locked or before.avoid.locked:
        return before, f"{term!r} is locked by {before.avoid.source}"
    return (_lighter(before) if strength < 1.0 else None), None


def _lighter(entry: Entry) -> Entry | None:
    weight = entry.avoid.weight / 2
    return None if weight < _LIGHTEST else _with(entry, weight, entry.avoid.check)


def _heavier(term: str, direction: Direction, strength: float, before: Entry | None) -> Entry:
    if before is not None:
        weight = min(round(before.avoid.weight * _STEP * max(strength, 1.0), 2), HEAVIEST)
        return _with(before, weight, strictest((before.avoid.check, "retry")))
    weight = round((1.0 if direction == "avoid" else 0.8) * strength, 2)
    return Entry(Avoid(term=term, weight=weight, source="feedback", check="retry"), ("feedback",))


def _with(entry: Entry, weight: float, check: Check) -> Entry:
    origins = tuple(dict.fromkeys((*entry.origins, "feedback")))
    avoid = entry.avoid.model_copy(update={"weight": weight, "check": check})
    return Entry(avoid, origins, entry.span, entry.locked)


def _replaced(avoid_list: AvoidList, term: str, entry: Entry | None) -> AvoidList:
    """The list with this entry for a term, at the term's place or at the end; None takes it out."""
    key = phrase(term)
    if all(phrase(other.avoid.term) != key for other in avoid_list.terms):
        return avoid_list if entry is None else AvoidList(terms=(*avoid_list.terms, entry))
    entries = (entry if phrase(other.avoid.term) == key else other for other in avoid_list.terms)
    return AvoidList(terms=tuple(entry for entry in entries if entry is not None))
