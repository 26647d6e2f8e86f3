"""Bounds: what a model and a locked policy leave of a request: terms that fit, fields that may stay."""

from collections.abc import Callable, Sequence
from typing import Any

from negspace.avoid.claims import WRITTEN_IN
from negspace.avoid.force import InForce
from negspace.avoid.merging import AvoidList, Entry, Rank
from negspace.avoid.policy import Policy, is_label
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.request import Request

HARMLESS = frozenset(
    (
        "prompt avoid model steps sampler width height seed n dialect reading inline weighting policies dtype"
    ).split()
)
"""Fields of a request that cannot keep a locked term from being told. A new field is governed until it
stands here."""


def within_budget(
    merged: AvoidList, facts: ModelFacts, count: Callable[[str], int]
) -> tuple[AvoidList, tuple[Finding, ...]]:
    """The list that fits. Only an encoder of running text forces a choice; others read in several windows.

    What goes first: terms of templates, then of policies, then the user's; among equals the lightest, then
    the last. Locked terms never go.
    """
    limits = [encoder.chunk for encoder in facts.encoders if encoder.kind == "llm"]
    if not limits:
        return merged, ()
    costs = [count(entry.avoid.term) + 1 for entry in merged.terms]
    over = sum(costs) - min(limits)
    order = sorted(
        (number for number, entry in enumerate(merged.terms) if not entry.locked),
        key=lambda number: (
            -_rank_of(merged.terms[number]),
            merged.terms[number].avoid.weight,
            -number,
        ),
    )
    gone: set[int] = set()
    for number in order:
        if over <= 0:
            break
        gone.add(number)
        over -= costs[number]
    kept = AvoidList(terms=tuple(one for number, one in enumerate(merged.terms) if number not in gone))
    dropped = tuple(
        Finding(
            "budget",
            f"{merged.terms[number].avoid.term!r} is left out: this model reads {min(limits)} tokens at most",
            merged.terms[number].span,
            "avoid",
        )
        for number in sorted(gone)
    )
    return kept, dropped


def _rank_of(entry: Entry) -> Rank:
    if entry.avoid.source.startswith("template"):
        return Rank.TEMPLATE
    return Rank.POLICY if is_label(entry.avoid.source) else Rank.USER


def governed_fields(
    request: Request, facts: ModelFacts, policies: Sequence[Policy], terms: InForce
) -> tuple[dict[str, Any], list[Finding]]:
    """The fields that a locked policy sets, and what it set them from."""
    if not terms.locked:
        return {}, []
    origins = {one.term.origin for one in terms.locked}
    holding = [one for one in policies if origins & {term.origin for term in one.avoid if term.locked}]
    names = ", ".join(policy.label for policy in holding)
    changed: dict[str, Any] = {}
    least = max(facts.scale if one.least_scale is None else one.least_scale for one in holding)
    if request.scale is not None and request.scale < least:
        changed["scale"] = least
    if request.scale is None and facts.scale < least:
        changed["scale"] = least
    if request.rule is not None and request.rule != facts.rule:
        changed["rule"] = facts.rule
    for name, field_info in type(request).model_fields.items():
        default = field_info.get_default(call_default_factory=True)
        if name not in HARMLESS | {"scale", "rule"} and getattr(request, name) != default:
            changed[name] = default
    if request.dialect != WRITTEN_IN and request.avoid is not None:
        text = f"what is avoided is written in {WRITTEN_IN} beside a locked policy, not in {request.dialect}"
        found = [Finding("dialect", text, side="avoid", level="note")]
    else:
        found = []
    for name, value in changed.items():
        asked = getattr(request, name)
        told = f"{name} is {value} instead of {asked}: {names} has locked terms, which must be told"
        found.append(Finding("governed", told))
    return changed, found
