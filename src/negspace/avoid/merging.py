"""Merges what several parties avoid into one list, each thing once, with everyone who asked for it.

Two terms are the same if their words are the same in any spelling and number. The heaviest weight, the widest
window and the strictest check win; if a locked term of a policy is among them, it stays exactly as it is. The
order is that of asking, with locked terms first, so that they are in the first window of an encoder.
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
    """Who wins where two parties disagree: the lowest rank."""

    LOCKED = 0
    USER = 1
    POLICY = 2
    TEMPLATE = 3


@dataclass(frozen=True)
class Entry:
    """One thing to avoid, and who asked for it.

    Attributes:
        avoid: the merged term; its source is the party that won.
        origins: everyone who asked for it, in the order of asking.
        span: its place in the user's avoid text; None where it is not in it.
        locked: whether a locked policy asks for it.
    """

    avoid: Avoid
    origins: tuple[str, ...]
    span: tuple[int, int] | None = None
    locked: bool = False


@final
class AvoidList(Frozen):
    """The merged terms, in order, each once."""

    terms: tuple[Entry, ...] = ()

    @property
    def avoids(self) -> tuple[Avoid, ...]:
        """The terms in the form of a request."""
        return tuple(entry.avoid for entry in self.terms)

    def entry(self, term: str) -> Entry | None:
        """The entry of a term, in any spelling."""
        key = phrase(term)
        return next((entry for entry in self.terms if phrase(entry.avoid.term) == key), None)

    @classmethod
    def of(cls, avoid: "AvoidList | str | Sequence[Avoid] | None", dialect: str = "a1111") -> "AvoidList":
        """The list for a text or for terms; a list is returned as it is.

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
        avoid: what is to be avoided.
        rank: of the party.
        key: the phrase by which claims are compared.
        span: its place in the user's avoid text.
    """

    avoid: Avoid
    rank: Rank
    key: Phrase
    span: tuple[int, int] | None = None

    @classmethod
    def of(cls, avoid: Avoid, rank: Rank, span: tuple[int, int] | None = None) -> "Claim":
        """A claim; a term without words is compared as it is written."""
        return cls(avoid, rank, phrase(avoid.term) or ("", avoid.term.strip()), span)


def merge(claims: Iterable[Claim]) -> tuple[AvoidList, tuple[Finding, ...]]:
    """All claims as one list, and findings about it.

    Claims on the same thing become one entry, at the place of the first of them; locked entries go first.
    """
    groups: dict[tuple[str, ...], list[Claim]] = {}
    for claim in claims:
        groups.setdefault(claim.key, []).append(claim)
    entries: list[Entry] = []
    findings: list[Finding] = []
    for group in groups.values():
        entry = _merged(group)
        entries.append(entry)
        if len(group) > 1:
            findings += _findings(group, entry)
    return AvoidList(terms=tuple(sorted(entries, key=lambda entry: not entry.locked))), tuple(findings)


def _merged(group: Sequence[Claim]) -> Entry:
    if len(group) == 1:
        (claim,) = group
        return Entry(claim.avoid, (claim.avoid.source,), claim.span, claim.rank is Rank.LOCKED)
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


def _findings(group: Sequence[Claim], entry: Entry) -> Iterable[Finding]:
    """Names weights and windows that were ignored, and that several claims became one."""
    for claim in group:
        avoid = claim.avoid
        if claim.rank is Rank.LOCKED or not entry.locked:
            continue
        if (avoid.weight, avoid.window) != (entry.avoid.weight, entry.avoid.window):
            text = (
                f"{avoid.term!r} keeps the weight {entry.avoid.weight:g} and the window that "
                f"{entry.avoid.source} gives it: it is locked"
            )
            yield Finding("locked", text, claim.span, "avoid")
    if len(entry.origins) == 1 and all(claim.avoid == group[0].avoid for claim in group):
        return
    text = f"{entry.avoid.term!r} is avoided once, as asked by {', '.join(entry.origins)}"
    spellings = dict.fromkeys(claim.avoid.term for claim in group)
    if len(spellings) > 1:
        text += f" ({', '.join(map(repr, spellings))} are the same)"
    yield Finding("joined", text, entry.span, "avoid", "note")
