"""Merging: what several parties avoid as one list, each thing once, with everyone who asked for it.

Two terms are one where their words are the same in any spelling and number. The heaviest weight wins, the
widest window and the strictest check; where a locked term of a policy is among them, it stays exactly as it
is. The order is that of asking, locked terms first, so that they stand in the first window of an encoder.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from operator import attrgetter
from typing import NamedTuple, final

from negspace.avoid.matching import Phrase, phrase
from negspace.avoid.terms import terms_of
from negspace.findings import Finding
from negspace.frozen import Frozen
from negspace.request import Avoid, Unchecked, strictest


class Rank(IntEnum):
    """Whose word counts first where two disagree."""

    LOCKED = 0
    USER = 1
    POLICY = 2
    TEMPLATE = 3


@dataclass(frozen=True)
class Entry:
    """One thing to avoid, and who asked for it.

    Attributes:
        avoid: as merged; its source is the party whose word counted.
        origins: everyone who asked, in the order of asking.
        span: where it stands in the user's avoid text; None where it does not.
        locked: whether a locked policy asks for it.
    """

    avoid: Avoid
    origins: tuple[str, ...]
    span: tuple[int, int] | None = None
    locked: bool = False


@final
class AvoidList(Frozen):
    """The merged terms, in order; nothing twice."""

    terms: tuple[Entry, ...] = ()

    @property
    def avoids(self) -> tuple[Avoid, ...]:
        """The terms as a request takes them."""
        return tuple(entry.avoid for entry in self.terms)

    def entry(self, term: str) -> Entry | None:
        """The entry of a term, in any spelling."""
        key = phrase(term)
        return next((entry for entry in self.terms if phrase(entry.avoid.term) == key), None)

    @classmethod
    def of(cls, avoid: "AvoidList | str | Sequence[Avoid] | None", dialect: str = "a1111") -> "AvoidList":
        """The list of a text or of terms; a list is itself.

        Raises:
            RequestError: there is no such dialect.
            PromptError: the text cannot be read.
        """
        if isinstance(avoid, AvoidList):
            return avoid
        return merge(Claim.of(term.avoid, Rank.USER, term.span) for term in terms_of(avoid, dialect))[0]


class Claim(NamedTuple):
    """One party's wish that something be avoided.

    Attributes:
        avoid: what.
        rank: whose word it is.
        key: what it is compared by.
        span: where it stands in the user's avoid text.
    """

    avoid: Avoid
    rank: Rank
    key: Phrase
    span: tuple[int, int] | None = None

    @classmethod
    def of(cls, avoid: Avoid, rank: Rank, span: tuple[int, int] | None = None) -> "Claim":
        """A claim; signs alone are compared as they stand."""
        return cls(avoid, rank, phrase(avoid.term) or ("", avoid.term.strip()), span)


def merge(claims: Iterable[Claim]) -> tuple[AvoidList, tuple[Finding, ...]]:
    """All claims as one list, and what is worth knowing about it.

    Claims of the same thing become one where the first of them stands; locked ones go first.
    """
    groups: dict[tuple[str, ...], list[Claim]] = {}
    for claim in claims:
        groups.setdefault(claim.key, []).append(claim)
    entries: list[Entry] = []
    findings: list[Finding] = []
    for group in groups.values():
        entry = _joined(group)
        entries.append(entry)
        if len(group) > 1:
            findings += _told(group, entry)
    return AvoidList(terms=tuple(sorted(entries, key=lambda entry: not entry.locked))), tuple(findings)


def _joined(group: Sequence[Claim]) -> Entry:
    if len(group) == 1:
        (one,) = group
        return Entry(one.avoid, (one.avoid.source,), one.span, one.rank is Rank.LOCKED)
    locked = [claim for claim in group if claim.rank is Rank.LOCKED]
    deciding = locked or group
    first = min(deciding, key=attrgetter("rank"))
    starts, stops = zip(*(claim.avoid.window for claim in deciding), strict=True)
    avoid = first.avoid.model_copy(
        update={
            "weight": max([claim.avoid.weight for claim in deciding]),
            "window": (min(starts), max(stops)),
            "check": strictest([claim.avoid.check for claim in group]),
            "unchecked": _unchecked(group),
            "locked": any([claim.avoid.locked for claim in group]),
        }
    )
    return Entry(
        avoid=avoid,
        origins=tuple(dict.fromkeys(claim.avoid.source for claim in group)),
        span=next((claim.span for claim in group if claim.span is not None), None),
        locked=bool(locked),
    )


def _unchecked(group: Sequence[Claim]) -> Unchecked:
    """A block is delivered unchecked only where everyone who asks for it accepts that."""
    blocks = [claim.avoid.unchecked for claim in group if claim.avoid.check == "block"]
    return "deliver" if blocks and "refuse" not in blocks else "refuse"


def _told(group: Sequence[Claim], entry: Entry) -> Iterable[Finding]:
    """Where a weight or time did not count, and that words were taken for one."""
    for claim in group:
        if claim.rank is Rank.LOCKED or not entry.locked:
            continue
        said = claim.avoid
        if (said.weight, said.window) != (entry.avoid.weight, entry.avoid.window):
            text = (
                f"{said.term!r} keeps the weight {entry.avoid.weight:g} and the time that "
                f"{entry.avoid.source} gives it: it is locked"
            )
            yield Finding("locked", text, claim.span, "avoid")
    if len(entry.origins) == 1 and all(claim.avoid == group[0].avoid for claim in group):
        return
    origins = ", ".join(entry.origins)
    told = f"{entry.avoid.term!r} is avoided once, as asked by {origins}"
    spelled = dict.fromkeys(claim.avoid.term for claim in group)
    if len(spelled) > 1:
        told += f" ({', '.join(repr(term) for term in spelled)} are the same)"
    yield Finding("joined", told, entry.span, "avoid", "note")
