"""The results of a proof in words."""

from collections.abc import Sequence

from negspace.lab.effects import Effect
from negspace.lab.results import AlternativeResult, Confirmation, TermKind, TermVerdict
from negspace.request import Avoid


def terms_text(terms: Sequence[Avoid] | None) -> str:
    """A list of terms as it is written in a request."""
    return ", ".join(
        avoided.term if avoided.weight == 1 else f"({avoided.term}:{avoided.weight:g})"
        for avoided in terms or ()
    )


def percent(value: float) -> str:
    """A share as a percentage."""
    return f"{100 * value:.0f} %"


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * value:+.0f} points"


def effect_text(effect: Effect) -> str:
    """An effect with its interval: "+52 points [31, 68]"."""
    low, high = effect.interval
    return f"{points(effect.effect)} [{100 * low:+.0f}, {100 * high:+.0f}]"


def as_asked_text(amiss: Effect) -> str:
    """How many pictures are as asked, without and with what is tested."""
    before, after = percent(1 - amiss.before), percent(1 - amiss.after)
    return f"as asked in {before} of the pictures without it, {after} with it"


def reason_text(
    kind: TermKind,
    amiss: Effect,
    there: Effect | None,
    lacking: Effect | None,
    smallest: float,
    futile: bool,
) -> str:
    """The reason for the verdict on a term that pictures were made for."""
    reasons = [as_asked_text(amiss)]
    if there is None:
        reasons.append("nothing here can see what it names; only what it does to the rest was measured")
    elif max(there.before, there.after) == 0:
        reasons.append("what it names is in none of them, without or with it")
    else:
        reasons.append(f"what it names goes from {percent(there.before)} to {percent(there.after)}")
    if lacking is None:
        reasons.append("nothing here can see what the prompt asks for, so its cost is unknown")
    elif not lacking.interval[0] <= 0 <= lacking.interval[1]:
        cost = "at a cost: " if lacking.effect < 0 else ""
        missing = f"is missing in {percent(lacking.after)}, not {percent(lacking.before)}"
        reasons.append(f"{cost}what the prompt asks for {missing}")
    if kind == "no_evidence":
        reasons.append(
            f"any effect is shown to be below {100 * smallest:.0f} points"
            if futile
            else f"{amiss.pairs} pairs show no effect either way, and do not rule one out"
        )
    return "; ".join(reasons)


def answer_text(
    verdicts: dict[str, TermVerdict], smallest: tuple[str, ...], confirmation: Confirmation | None
) -> str:
    """The answer in one sentence: is the negative necessary, and which part of it?"""
    if all(verdict.kind == "inert" for verdict in verdicts.values()):
        return f"No: the negative does nothing here; {next(iter(verdicts.values())).why}."
    unclear = _unclear(verdicts)
    if not smallest:
        harmful = [
            term for term, verdict in verdicts.items() if verdict.kind == "harms" and not verdict.needs
        ]
        harm = [f"{_and(harmful)} does harm"] if harmful else []
        if unclear:
            return _sentence(unclear + harm)
        return f"{', and '.join(['Nothing shows that the negative is necessary', *harm])}."
    needless = [term for term, verdict in verdicts.items() if term not in smallest and not verdict.needs]
    answer = f"Yes, for {_and(smallest)}"
    if confirmation is not None and not confirmation.confirmed:
        answer += ", though fresh seeds do not confirm it"
    elif confirmation is not None:
        benefit = confirmation.benefit
        answer += (
            f", which on fresh seeds takes the pictures that are as asked from {percent(1 - benefit.before)} "
            f"to {percent(1 - benefit.after)}"
        )
    return _sentence([answer, *([f"{_and(needless)} can go"] if needless else []), *unclear])


def _unclear(verdicts: dict[str, TermVerdict]) -> list[str]:
    """What cannot be said, and what it would take, the terms that need the same together."""
    open_terms: dict[str, list[str]] = {}
    for term, verdict in verdicts.items():
        if verdict.needs:
            open_terms.setdefault(verdict.needs, []).append(term)
    return [f"cannot say for {_and(terms)}: that takes {needs}" for needs, terms in open_terms.items()]


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def recommendation_text(
    tried: Sequence[AlternativeResult], smallest: Sequence[str], verdicts: dict[str, TermVerdict]
) -> str:
    """What to change in scale and rule."""
    if not smallest and any(verdict.needs for verdict in verdicts.values()):
        return "Cannot say whether to keep the negative."
    if not smallest:
        return "Leave the negative out."
    if better := next((result for result in tried if result.recommended), None):
        return (
            f"Take {better.description}: {effect_text(better.effect)} of pictures as asked against the "
            f"present settings, at {better.evaluations} evaluations a picture."
        )
    if not tried:
        return "Nothing else was tried."
    best = max(tried, key=lambda result: result.effect.effect)
    return (
        f"Stay with scale and rule as they are: the best of {len(tried)} others, {best.description}, makes "
        f"{effect_text(best.effect)}, which is not shown to be better."
    )


def _and(names: Sequence[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last
