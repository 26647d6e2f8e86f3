"""Feedback: what people say about a picture, turned into what the next one avoids.

    revise("blurry", "the fingers look odd, and bring the hat back")

A complaint is read by rules and a lexicon (`negspace.feedback.lexicon`), so that the same words always
change the same things, unless another reader is given (`negspace.feedback.readers`). Thumbs alone work too:
see `from_thumbs`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Literal

from negspace.avoid.matching import phrase
from negspace.avoid.merging import AvoidList, Entry
from negspace.errors import RequestError
from negspace.feedback.lexicon import Concept, Opinion
from negspace.feedback.readers import ComplaintReader, Heard, Lexicon
from negspace.request import Avoid, Check, strictest

Direction = Literal["avoid", "less", "allow"]

HEAVIEST = 2.0
_STEP = 1.25
_LIGHTEST = 0.3


@dataclass(frozen=True)
class Change:
    """One change to a list.

    Attributes:
        term: what it concerns, as the model is told it.
        concept: what the lexicon calls it; the term itself where the lexicon does not know it.
        direction: "avoid" it, have "less" of it, or "allow" it again.
        strength: as it was said; 1 is plain.
        feedback: the complaint it came from.
        said: the part of it that says so.
        before, after: the entry; None where there was none, or is none any more.
        why_not: why nothing changed although it was asked for; None where something did.
        read_by: who understood it so: "lexicon", an encoder's likeness, a chat model, or "thumbs".
    """

    term: str
    concept: str
    direction: Direction
    strength: float
    feedback: str
    said: str
    before: Entry | None
    after: Entry | None
    why_not: str | None = None
    read_by: str = "lexicon"


@dataclass(frozen=True)
class Revision:
    """A list after feedback.

    Attributes:
        avoid_list: as revised.
        changes: what was changed, in the order it was said.
    """

    avoid_list: AvoidList
    changes: tuple[Change, ...]

    def undo(self, change: Change) -> "Revision":
        """The revision without one of its changes; the others stay.

        Raises:
            RequestError: it is not one of them.
        """
        if change not in self.changes:
            raise RequestError(f"the change of {change.term!r} is not one of this revision")
        rest = tuple(one for one in self.changes if one != change)
        return Revision(_put(self.avoid_list, change.term, change.before), rest)


def revise(
    avoid_list: AvoidList | str | Sequence[Avoid] | None,
    complaint: str,
    reader: ComplaintReader | None = None,
) -> Revision:
    """What to avoid after a complaint.

    "avoid" adds the term or makes it heavier, "less" does so mildly, "allow" takes it out, or, said with "a
    bit", halves it. A locked term is only ever made heavier. Who complains of what is avoided already shows
    that telling the model was not enough: from then on it is looked for in the picture, which is made again
    where a judge at hand sees it.

    Args:
        avoid_list: the list, or the text or terms of one.
        complaint: plain English, one or several sentences.
        reader: who understands it; None is the lexicon.

    Raises:
        PromptError: the text of the list cannot be read.
        RequestError: the complaint is too long.
        FeedbackError: a chat model gave no usable answer.
    """
    revised = AvoidList.of(avoid_list)
    changes: list[Change] = []
    for heard in (reader or Lexicon()).read(complaint, revised):
        before = _find(revised, heard.opinion)
        change = _change(heard, before, complaint)
        revised = _put(revised, change.term, change.after)
        changes.append(change)
    return Revision(revised, tuple(changes))


def _find(several: AvoidList, opinion: Opinion) -> Entry | None:
    return several.entry(opinion.concept.term) or several.entry(opinion.concept.name)


def _change(heard: Heard, before: Entry | None, complaint: str) -> Change:
    opinion = heard.opinion
    direction: Direction = "allow" if opinion.polarity == "for" else "less" if opinion.by_degree else "avoid"
    term = opinion.concept.term if before is None else before.avoid.term
    why_not: str | None = None
    if direction == "allow":
        if before is None:
            after, why_not = None, f"{term!r} is not avoided"
        elif before.locked or before.avoid.locked:
            after, why_not = before, f"{term!r} is locked by {before.avoid.source}"
        else:
            after = _lighter(before) if opinion.strength < 1.0 else None
    else:
        after = _heavier(term, direction, opinion.strength, before)
        if after == before:
            why_not = f"{term!r} weighs {HEAVIEST:g} already, the most there is"
    return Change(
        term,
        opinion.concept.name,
        direction,
        opinion.strength,
        complaint,
        opinion.said,
        before,
        after,
        why_not,
        heard.by,
    )


def _lighter(entry: Entry) -> Entry | None:
    weight = entry.avoid.weight / 2
    return None if weight < _LIGHTEST else _weighing(entry, weight, entry.avoid.check)


def _heavier(term: str, direction: Direction, strength: float, before: Entry | None) -> Entry:
    if before is not None:
        weight = min(round(before.avoid.weight * _STEP * max(strength, 1.0), 2), HEAVIEST)
        return _weighing(before, weight, strictest((before.avoid.check, "retry")))
    weight = round((1.0 if direction == "avoid" else 0.8) * strength, 2)
    return Entry(Avoid(term=term, weight=weight, source="feedback"), ("feedback",))


def _weighing(entry: Entry, weight: float, check: Check) -> Entry:
    origins = tuple(dict.fromkeys((*entry.origins, "feedback")))
    avoid = entry.avoid.model_copy(update={"weight": weight, "check": check})
    return Entry(avoid, origins, entry.span, entry.locked)


def _put(several: AvoidList, term: str, entry: Entry | None) -> AvoidList:
    """The list with this entry for a term, at the term's place or at the end; None takes it out."""
    key = phrase(term)
    there = any(phrase(one.avoid.term) == key for one in several.terms)
    if not there:
        return several if entry is None else AvoidList(terms=(*several.terms, entry))
    swapped = ((entry if phrase(one.avoid.term) == key else one) for one in several.terms)
    return AvoidList(terms=tuple(one for one in swapped if one is not None))


@dataclass(frozen=True)
class Proposal:
    """A concept that disliked pictures have more often than liked ones.

    Attributes:
        concept: its name.
        disliked, liked: in how many of them it was seen.
        p_value: probability of as many or more among the disliked, if dislike had nothing to do with it.
    """

    concept: str
    disliked: int
    liked: int
    p_value: float


def from_thumbs(
    disliked: Sequence[Mapping[str, bool]], liked: Sequence[Mapping[str, bool]], *, level: float = 0.05
) -> tuple[Proposal, ...]:
    """Concepts to avoid, from thumbs alone, the surest first.

    Fisher's exact test, one-sided, for each concept; with several concepts the levels are those of Holm
    (1979), so that the chance of even one false proposal is at most `level`.

    Args:
        disliked, liked: for each picture, which concepts a judge saw in it; the same concepts everywhere.
        level: of the family of tests.

    Raises:
        RequestError: pictures name different concepts, or the level is not between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise RequestError(f"level {level} is not between 0 and 1")
    concepts = sorted({concept for picture in (*disliked, *liked) for concept in picture})
    if any(len(picture) != len(concepts) for picture in (*disliked, *liked)):
        raise RequestError("every picture must say of the same concepts whether they were seen")
    tested = sorted((_tested(concept, disliked, liked) for concept in concepts), key=lambda one: one.p_value)
    proposed: list[Proposal] = []
    for number, one in enumerate(tested):
        if one.p_value > level / (len(tested) - number):
            break
        proposed.append(one)
    return tuple(proposed)


def propose(
    avoid_list: AvoidList | str | Sequence[Avoid] | None,
    proposals: Sequence[Proposal],
    of: tuple[int, int],
) -> Revision:
    """The list with what thumbs propose, each a change that names its evidence and can be undone.

    Args:
        avoid_list: the list, or the text or terms of one.
        proposals: as `from_thumbs` gives them.
        of: how many pictures were disliked, and how many liked.

    Raises:
        PromptError: the text of the list cannot be read.
    """
    revised = AvoidList.of(avoid_list)
    changes: list[Change] = []
    for one in proposals:
        told = (
            f"seen in {one.disliked} of {of[0]} disliked and {one.liked} of {of[1]} liked pictures "
            f"(p = {one.p_value:.2g})"
        )
        opinion = Opinion(Concept(one.concept, one.concept), "against", 1.0, False, told)
        change = _change(Heard(opinion, "thumbs"), _find(revised, opinion), told)
        revised = _put(revised, change.term, change.after)
        changes.append(change)
    return Revision(revised, tuple(changes))


def _tested(
    concept: str, disliked: Sequence[Mapping[str, bool]], liked: Sequence[Mapping[str, bool]]
) -> Proposal:
    bad, good = (sum(picture[concept] for picture in pictures) for pictures in (disliked, liked))
    return Proposal(concept, bad, good, fisher(bad, len(disliked) - bad, good, len(liked) - good))


def fisher(a: int, b: int, c: int, d: int) -> float:
    """P(X >= a) for X hypergeometric: Fisher's exact test of [[a, b], [c, d]], one-sided (Fisher 1935).

    Args:
        a, b: with and without in the first group.
        c, d: with and without in the second.
    """
    first, with_it, whole = a + b, a + c, a + b + c + d
    ways = sum(comb(with_it, k) * comb(whole - with_it, first - k) for k in range(a, min(first, with_it) + 1))
    return ways / comb(whole, first)
