"""What was found, in plain words."""

from collections.abc import Sequence

from negspace.lab.effects import Effect
from negspace.lab.results import Confirmation, TermKind, TermVerdict, AlternativeResult
from negspace.request import Avoid


def terms_text(terms: Sequence[Avoid] | None) -> str:
    """A list as it would be written."""
    return ", ".join(one.term if one.weight == 1 else f"({one.term}:{one.weight:g})" for one in terms or ())


def percent(value: float) -> str:
    """A share in per cent."""
    return f"{100 * value:.0f} %"


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * value:+.0f} points"


def effect_text(effect: Effect) -> str:
    """An effect with its interval: "+52 points [31, 68]"."""
    low, high = effect.interval
    return f"{points(effect.effect)} [{100 * low:+.0f}, {100 * high:+.0f}]"


def verdict_text(
    kind: TermKind,
    amiss: Effect,
    there: Effect | None,
    lacking: Effect,
    smallest: float,
    futile: bool,
) -> str:
    """The verdict on a term that pictures were made for."""
    said = [
        f"as asked in {percent(1 - amiss.before)} of the pictures without it, {percent(1 - amiss.after)} with it"
    ]
    if there is None:
        said.append("nothing here can see what it names; only what it does to the rest was measured")
    elif max(there.before, there.after) == 0:
        said.append("what it names is in none of them, without or with it")
    else:
        said.append(f"what it names goes from {percent(there.before)} to {percent(there.after)}")
    if not lacking.interval[0] <= 0 <= lacking.interval[1]:
        cost = "at a cost: " if lacking.effect < 0 else ""
        missing = f"is missing in {percent(lacking.after)}, not {percent(lacking.before)}"
        said.append(f"{cost}what the prompt asks for {missing}")
    if kind == "no_evidence":
        told = (
            f"any effect is shown to be below {100 * smallest:.0f} points"
            if futile
            else (f"{amiss.pairs} pairs show no effect either way, and do not rule one out")
        )
        said.append(told)
    return "; ".join(said)


def answer_text(
    verdicts: dict[str, TermVerdict], smallest: tuple[str, ...], confirmation: Confirmation | None
) -> str:
    """The answer in one sentence: is the negative necessary, and which part of it?"""
    kinds = {
        kind: [term for term, one in verdicts.items() if one.kind == kind]
        for kind in ("helps", "harms", "no_evidence", "inert", "unknown")
    }
    if len(kinds["inert"]) == len(verdicts):
        return f"No: the negative does nothing here; {next(iter(verdicts.values())).why}."
    if not smallest:
        harm = f", and {_and(kinds['harms'])} does harm" if kinds["harms"] else ""
        return f"Nothing shows that the negative is necessary{harm}."
    needless = [term for term in verdicts if term not in smallest]
    told = f"Yes, for {_and(smallest)}"
    if confirmation is not None and not confirmation.confirmed:
        told += ", though fresh seeds do not confirm it"
    elif confirmation is not None:
        benefit = confirmation.benefit
        told += (
            f", which on fresh seeds takes the pictures that are as asked from {percent(1 - benefit.before)} "
            f"to {percent(1 - benefit.after)}"
        )
    if needless:
        told += f"; {_and(needless)} can go"
    return f"{told}."


def recommendation_text(tried: Sequence[AlternativeResult], smallest: Sequence[str]) -> str:
    """What to change in scale and rule."""
    if not smallest:
        return "Leave the negative out."
    for one in tried:
        if one.recommended:
            return (
                f"Take {one.description}: {effect_text(one.effect)} of pictures as asked against the present settings, "
                f"at {one.evaluations} evaluations a picture."
            )
    if not tried:
        return "Nothing else was tried."
    best = max(tried, key=lambda one: one.effect.effect)
    return (
        f"Stay with scale and rule as they are: the best of {len(tried)} others, {best.description}, makes "
        f"{effect_text(best.effect)}, which is not shown to be better."
    )


def _and(names: Sequence[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last
