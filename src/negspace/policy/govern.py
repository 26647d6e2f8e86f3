"""A request under its policies: what is asked, and by whom, becomes what is carried out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from negspace.avoid.merging import Entry, merge
from negspace.avoid.positive import inline_form_findings, take_out_negations, wanted_readings
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.policy.applicable import (
    ActiveTerms,
    Block,
    PolicyRecord,
    active_terms,
    inapplicable_findings,
)
from negspace.policy.claims import (
    HEAVIEST,
    MERGED_DIALECT,
    avoids_a_negation,
    policy_claims,
    unused_word_findings,
    user_claims,
    wanted_things,
    window_findings,
    within_budget,
)
from negspace.policy.locked_rule import required_rule, why_weaker
from negspace.policy.policy import Policy
from negspace.policy.prompt_changes import with_required_words, without_locked_terms
from negspace.request import Request

HARMLESS = frozenset(
    (
        "prompt avoid model steps sampler width height fit_size seed n dialect reading inline weighting "
        "policies check dtype wanted start"
    ).split()
)
"""Fields of a request that cannot keep a locked term from acting; a judge looks at the picture to start from
before it is used. A new field keeps its default beside a locked term until it is listed here."""


@dataclass(frozen=True)
class GovernedRequest:
    """A request under its policies.

    Attributes:
        request: as it is carried out.
        dialect: grammar of its avoid text.
        entries: the merged list; None where nothing was merged and the request's own text stays.
        policies: every policy that was asked for.
        blocks: what keeps the request from being carried out.
        findings: what was changed, and why.
        stronger: rules for further attempts at a picture, from the second one on.
    """

    request: Request
    dialect: str
    entries: tuple[Entry, ...] | None
    policies: tuple[PolicyRecord, ...]
    blocks: tuple[Block, ...]
    findings: tuple[Finding, ...]
    stronger: tuple[str, ...] = ()


def govern(
    request: Request,
    facts: ModelFacts,
    *,
    steps: int,
    records: tuple[PolicyRecord, ...],
    policies: Sequence[Policy],
    count: Callable[[str], int],
) -> GovernedRequest:
    """The request as its policies have it carried out.

    Args:
        request: as asked.
        facts: of the model.
        steps: of the sampler.
        records: of every policy that was asked for.
        policies: those of them that apply.
        count: estimates how many tokens a text takes.

    Raises:
        PromptError: a text cannot be read.
    """
    positive = take_out_negations(request.prompt, request.dialect, steps)
    findings = (*inapplicable_findings(records), *positive.findings)
    if not policies and not positive.avoided and not avoids_a_negation(request, steps):
        return GovernedRequest(request, request.dialect, None, records, (), findings)

    terms, term_findings = active_terms(policies, wanted_readings(positive.text, request.dialect, steps))
    prompt, required = with_required_words(positive.text, policies, request.dialect)
    prompt, blocks, taken_out = without_locked_terms(prompt, request.dialect, steps, terms)
    own, own_findings = user_claims(request, positive.avoided, steps, HEAVIEST if terms.locked else None)
    merged, joined = merge((*policy_claims(terms.locked, steps), *own, *policy_claims(terms.free, steps)))
    kept, dropped = within_budget(merged, facts, count)
    fields, stronger, changes = _locked_fields(request, facts, policies, terms)
    wanted, unwanted = wanted_things(request, policies, terms.locked)
    findings += (*unwanted, *term_findings, *taken_out, *own_findings, *joined, *dropped, *changes, *required)
    if terms.locked:
        findings += (
            *inline_form_findings(request.prompt),
            *unused_word_findings(request, own),
            *window_findings(terms.locked, steps),
        )
    empty = None if request.avoid is None else ""  # None and "" are kept apart
    update = {**fields, "prompt": prompt, "avoid": kept.avoids or empty, "wanted": wanted}
    carried = request.model_copy(update=update)
    findings = tuple(dict.fromkeys(findings))
    return GovernedRequest(carried, MERGED_DIALECT, kept.terms, records, blocks, findings, stronger)


def _locked_fields(
    request: Request, facts: ModelFacts, policies: Sequence[Policy], terms: ActiveTerms
) -> tuple[dict[str, Any], tuple[str, ...], list[Finding]]:
    """The fields of a request that change because a locked term is active, and rules for further attempts."""
    if not terms.locked:
        return {}, (), []
    origins = {term.policy_term.origin for term in terms.locked}
    locking = [
        policy for policy in policies if any(term.locked and term.origin in origins for term in policy.avoid)
    ]
    least = max(facts.scale if policy.least_scale is None else policy.least_scale for policy in locking)
    rule, stronger, findings = required_rule(facts, locking, least)
    why = None if request.rule in (None, rule) else why_weaker(str(request.rule), rule, least)
    changed = _changed_fields(request, facts, least)
    if why is not None or (request.rule is None and rule != facts.rule):
        changed["rule"] = rule
    if request.dialect != MERGED_DIALECT and request.avoid is not None:
        text = f"avoid is written in {MERGED_DIALECT} beside a locked policy, not in {request.dialect}"
        findings.append(Finding("dialect", text, side="avoid", level="note"))
    names = ", ".join(policy.label for policy in locking)
    for name, value in changed.items():
        text = (
            f"{name} is {value} instead of {getattr(request, name)}: {names} has locked terms, which must act"
        )
        if name == "rule" and why is not None:
            text += f"; {request.rule}: {why}"
        findings.append(Finding("governed", text))
    return changed, stronger, findings


def _changed_fields(request: Request, facts: ModelFacts, least: float) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if (facts.scale if request.scale is None else request.scale) < least:
        changed["scale"] = least
    for name, field in type(request).model_fields.items():
        default = field.get_default(call_default_factory=True)
        if name not in HARMLESS | {"scale", "rule"} and getattr(request, name) != default:
            changed[name] = default
    return changed
