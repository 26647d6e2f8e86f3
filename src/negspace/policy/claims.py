"""Claims: who wants what avoided, in plain words, ready to be merged."""

from collections.abc import Iterator, Sequence
from typing import Any

from negspace.avoid.merging import Claim, Rank
from negspace.avoid.negations import negation_in
from negspace.avoid.terms import as_text, is_plain, terms_of, words_of
from negspace.avoid.wishes import may_negate
from negspace.findings import Finding
from negspace.policy.compiled import CompiledTerm
from negspace.policy.policy import is_label
from negspace.prompt import parse
from negspace.request import Avoid, Request

WRITTEN_IN = "a1111"
"""The dialect in which a merged list is written, whatever that of the request: it can say every weight."""

HEAVIEST = 2.0
"""The most that another term may weigh beside a locked one, which it would drown out."""

_SPOKEN_SYNTAX = frozenset("and not break blend swap no without any the a an or".split())


def policy_claims(articles: Sequence[CompiledTerm], steps: int) -> Iterator[Claim]:
    """What policies avoid. A locked term whose window holds no step is told at every step."""
    for one in articles:
        if one.locked and _stepless(one, steps):
            always = one.claim.avoid.model_copy(update={"window": (0.0, 1.0)})
            yield one.claim._replace(avoid=always)
        else:
            yield one.claim


def widened(articles: Sequence[CompiledTerm], steps: int) -> Iterator[Finding]:
    """Locked terms that are told longer than their policy says."""
    for one in articles:
        if _stepless(one, steps):
            said, origin = one.term.term, one.term.origin
            told = f"{said!r} of {origin} is told at every step: its time holds none of {steps}"
            yield Finding("window", told, side="avoid", level="note")


def _stepless(one: CompiledTerm, steps: int) -> bool:
    start, stop = one.term.window
    return start > 0.0 and not any(start <= step / steps < stop for step in range(steps))


def own_claims(
    request: Request, negated: Sequence[Avoid], steps: int, locked: bool
) -> tuple[list[Claim], list[Finding]]:
    """What the user avoids, its negations understood; beside locked terms, within bounds."""
    findings: list[Finding] = []
    claims: list[Claim] = []
    spoken = (*_spoken(request, steps), *((avoid, None) for avoid in negated))
    for avoid, span in spoken:
        negation = negation_in(avoid.term, tail=False) if may_negate(avoid.term) else None
        if negation is not None:
            meant = " and ".join(repr(term) for term in negation.terms)
            told = f"{avoid.term!r} is understood as avoiding {meant}"
            findings.append(Finding("negation", told, span, "avoid", "note"))
        for term in (avoid.term,) if negation is None else negation.terms:
            weight = min(avoid.weight, HEAVIEST) if locked else avoid.weight
            if locked and weight <= 0.0:
                told = f"{term!r} weighs {weight:g} and is left out beside a locked policy"
                findings.append(Finding("bounded", told, span, "avoid"))
                continue
            if weight != avoid.weight:
                told = f"{term!r} weighs {weight:g} instead of {avoid.weight:g} beside a locked policy"
                findings.append(Finding("bounded", told, span, "avoid"))
            written = as_text(term)
            if (written, weight) != (avoid.term, avoid.weight):
                own = avoid.model_copy(update={"term": written, "weight": weight})
            else:
                own = avoid
            claims.append(Claim.of(own, _rank(own), span))
    return claims, findings


def _rank(avoid: Avoid) -> Rank:
    return Rank.TEMPLATE if avoid.source.startswith("template") else Rank.USER


def _spoken(request: Request, steps: int) -> Iterator[tuple[Avoid, tuple[int, int] | None]]:
    """The user's terms in plain words; what is written in a term's own text is read as well.

    Nobody but a policy speaks for a policy: a term that claims to is the user's.
    """
    if request.avoid is None or isinstance(request.avoid, str):
        for term in terms_of(request.avoid, request.dialect, steps):
            yield _plain(term.avoid, request.dialect), term.span
        return
    for avoid in request.avoid:
        source = "user" if is_label(avoid.source) else avoid.source
        for term in terms_of(avoid.term, request.dialect, steps):
            inner = term.avoid
            start = max(avoid.window[0], inner.window[0])
            stop = min(avoid.window[1], inner.window[1])
            if start < stop:
                update: dict[str, Any] = {
                    "term": inner.term,
                    "weight": avoid.weight * inner.weight,
                    "window": (start, stop),
                    "source": source,
                }
                yield _plain(avoid.model_copy(update=update), request.dialect), None


def _plain(avoid: Avoid, dialect: str) -> Avoid:
    """The term as words, out of the dialect it is written in."""
    if is_plain(avoid.term):
        return avoid
    return avoid.model_copy(update={"term": parse(avoid.term, dialect).clean})


def never_told(request: Request, claims: Sequence[Claim]) -> Iterator[Finding]:
    """Words of the avoid text that a schedule or a weight leaves unsaid."""
    if isinstance(request.avoid, str):
        said = _SPOKEN_SYNTAX.union(*(words_of(claim.avoid.term) for claim in claims))
        for word in dict.fromkeys(words_of(request.avoid)):
            if word not in said and word.isalpha():
                told = f"{word!r} stands in the avoid text and is told at no step"
                yield Finding("never-told", told, side="avoid", level="note")
