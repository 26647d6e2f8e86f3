"""What policies and the user want avoided, as claims to be merged, and which merged terms fit a model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from negspace.avoid.matching import Phrase, phrase
from negspace.avoid.merging import AvoidList, Claim, Entry, Rank
from negspace.avoid.negations import Negation, may_negate, whole_negation
from negspace.avoid.terms import as_text, is_plain, terms_of, words_of
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.policy.policy import CompiledTerm, Policy, is_label, phrase_index
from negspace.prompt import parse
from negspace.request import Avoid, Request, Wanted, strictest

MERGED_DIALECT = "a1111"
"""The dialect of a merged list, whatever that of the request: it can write every weight."""

HEAVIEST = 2.0
"""The greatest weight of other terms beside a locked one: a heavier term would drown it out."""

_WORDS_OF_SYNTAX = frozenset("and not break blend swap no without any the a an or".split())

UserTerm = tuple[Avoid, tuple[int, int] | None]
"""A term of the user and its place in the avoid text."""


def policy_claims(terms: Iterable[CompiledTerm], steps: int) -> Iterator[Claim]:
    """What policies avoid. A locked term whose window holds no step is in the negative at every step."""
    for term in terms:
        if term.locked and _holds_no_step(term, steps):
            always = term.claim.avoid.model_copy(update={"window": (0.0, 1.0)})
            yield term.claim._replace(avoid=always)
        else:
            yield term.claim


def window_findings(locked: Iterable[CompiledTerm], steps: int) -> Iterator[Finding]:
    """Names locked terms that are in the negative longer than their policy says."""
    for term in locked:
        if _holds_no_step(term, steps):
            text = f"{term} is avoided at every step: its window holds none of {steps}"
            yield Finding("window", text, side="avoid", level="note")


def _holds_no_step(term: CompiledTerm, steps: int) -> bool:
    start, stop = term.policy_term.window
    return start > 0.0 and not any(start <= step / steps < stop for step in range(steps))


def user_claims(
    request: Request, negated: Sequence[Avoid], steps: int, heaviest: float | None
) -> tuple[list[Claim], list[Finding]]:
    """What the user avoids, with negations understood.

    Args:
        request: as asked.
        negated: what the negations in its prompt avoid.
        steps: of the sampler.
        heaviest: the greatest weight that a term may have, where terms must also weigh more than 0; None sets
            no bounds.
    """
    claims: list[Claim] = []
    findings: list[Finding] = []
    for avoid, span in (*_user_terms(request, steps), *((avoid, None) for avoid in negated)):
        negation = _negation_in(avoid)
        if negation is not None:
            meaning = " and ".join(map(repr, negation.terms))
            text = f"{avoid.term!r} is understood as avoiding {meaning}"
            findings.append(Finding("negation", text, span, "avoid", "note"))
        for term in (avoid.term,) if negation is None else negation.terms:
            weight = avoid.weight if heaviest is None else min(avoid.weight, heaviest)
            if heaviest is not None and weight <= 0.0:
                text = f"{term!r} weighs {weight:g} and is left out beside a locked policy"
                findings.append(Finding("bounded", text, span, "avoid"))
                continue
            if weight != avoid.weight:
                text = f"{term!r} weighs {weight:g} instead of {avoid.weight:g} beside a locked policy"
                findings.append(Finding("bounded", text, span, "avoid"))
            claims.append(_user_claim(avoid, as_text(term), weight, span))
    return claims, findings


def _user_claim(avoid: Avoid, text: str, weight: float, span: tuple[int, int] | None) -> Claim:
    if (text, weight) != (avoid.term, avoid.weight):
        avoid = avoid.model_copy(update={"term": text, "weight": weight})
    return Claim.of(avoid, Rank.TEMPLATE if _from_template(avoid) else Rank.USER, span)


def _user_terms(request: Request, steps: int) -> Iterator[UserTerm]:
    """The user's terms in plain words; syntax within a term is read as well.

    Only a policy speaks for a policy: a term of the request that claims to come from one is the user's.
    """
    if request.avoid is None or isinstance(request.avoid, str):
        for term in terms_of(request.avoid, request.dialect, steps):
            yield _in_plain_words(term.avoid, request.dialect), term.span
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
                yield _in_plain_words(avoid.model_copy(update=update), request.dialect), None


def _in_plain_words(avoid: Avoid, dialect: str) -> Avoid:
    if is_plain(avoid.term):
        return avoid
    return avoid.model_copy(update={"term": parse(avoid.term, dialect).clean})


def _negation_in(avoid: Avoid) -> Negation | None:
    return whole_negation(avoid.term) if may_negate(avoid.term) else None


def avoids_a_negation(request: Request, steps: int) -> bool:
    """Whether a term of the request says no: "no people" is to be understood as avoiding people."""
    if isinstance(request.avoid, str) and not may_negate(request.avoid):
        return False
    terms = terms_of(request.avoid, request.dialect, steps)
    return any(whole_negation(term.avoid.term) is not None for term in terms)


def unused_word_findings(request: Request, claims: Sequence[Claim]) -> Iterator[Finding]:
    """Names words of the avoid text that its schedules and weights leave out at every step."""
    if isinstance(request.avoid, str):
        used = _WORDS_OF_SYNTAX.union(*(words_of(claim.avoid.term) for claim in claims))
        for word in dict.fromkeys(words_of(request.avoid)):
            if word not in used and word.isalpha():
                text = f"{word!r} is in the avoid text, but it is avoided at no step"
                yield Finding("never-avoided", text, side="avoid", level="note")


def wanted_things(
    request: Request, policies: Sequence[Policy], locked: Sequence[CompiledTerm]
) -> tuple[tuple[Wanted, ...], list[Finding]]:
    """What must be seen in the pictures, each thing once with its strictest check, but nothing that a policy
    locks out.
    """
    index = phrase_index(locked)
    findings: list[Finding] = []
    things: dict[Phrase, Wanted] = {}
    own = (
        thing.model_copy(update={"source": "user"}) if is_label(thing.source) else thing
        for thing in request.wanted
    )
    of_policies = (
        Wanted(term=thing.term, check=thing.check, source=policy.label)
        for policy in policies
        for thing in policy.wanted
    )
    for thing in (*of_policies, *own):
        if mentions := index.mentions_in_disguise(thing.term):
            text = f"{thing.term!r} of {thing.source} is not looked for: {mentions[0].what[0]} is locked"
            findings.append(Finding("conflict", text, side="prompt"))
            continue
        other = things.setdefault(phrase(thing.term), thing)
        things[phrase(thing.term)] = other.model_copy(update={"check": strictest((other.check, thing.check))})
    return tuple(things.values()), findings


def within_budget(
    merged: AvoidList, facts: ModelFacts, count: Callable[[str], int]
) -> tuple[AvoidList, tuple[Finding, ...]]:
    """The list that fits. Only an encoder of running text forces a choice; others read in several windows.

    Terms of templates are dropped first, then those of policies, then the user's; of equal rank the lightest,
    then the last. Locked terms are never dropped.
    """
    limits = [encoder.chunk for encoder in facts.encoders if encoder.kind == "llm"]
    if not limits:
        return merged, ()
    costs = [count(entry.avoid.term) + 1 for entry in merged.terms]
    excess = sum(costs) - min(limits)
    free = (number for number, entry in enumerate(merged.terms) if not entry.locked)
    dropped: set[int] = set()
    for number in sorted(free, key=lambda number: (*_worth(merged.terms[number]), -number)):
        if excess <= 0:
            break
        dropped.add(number)
        excess -= costs[number]
    kept = AvoidList(terms=tuple(term for number, term in enumerate(merged.terms) if number not in dropped))
    return kept, tuple(_budget_finding(merged.terms[number], min(limits)) for number in sorted(dropped))


def _worth(entry: Entry) -> tuple[int, float]:
    """Least for what is dropped first."""
    policy = is_label(entry.avoid.source)
    rank = Rank.TEMPLATE if _from_template(entry.avoid) else Rank.POLICY if policy else Rank.USER
    return -rank, entry.avoid.weight


def _from_template(avoid: Avoid) -> bool:
    return avoid.source.startswith("template")


def _budget_finding(entry: Entry, limit: int) -> Finding:
    text = f"{entry.avoid.term!r} is left out: this model reads {limit} tokens at most"
    return Finding("budget", text, entry.span, "avoid")
