"""Governance: a request under its policies. What is asked, and by whom, becomes what is carried out.

Who counts first is one rule: a locked policy, then the user, then a policy, then a template.

- A locked term is told with exactly its own weight and time, before everything else. A request that asks for
  it is blocked where the term's check is "block"; otherwise the wish is taken out of the prompt.
- A term of a policy that is not locked gives way to a prompt that asks for it, or for one of its `unless`.
- While a locked term is in force, the guidance scale is at least the policy's, the rule is the model's own,
  no other term weighs more than twice or less than nothing, and every field of the request that is not known
  to be harmless keeps its default.
"""

from collections.abc import Callable, Sequence

from negspace.avoid.bounds import governed_fields, within_budget
from negspace.avoid.claims import WRITTEN_IN, never_told, own_claims, policy_claims, widened
from negspace.avoid.force import applying, in_force, not_applying
from negspace.avoid.governed import Governed
from negspace.avoid.merging import merge
from negspace.avoid.negations import negation_in
from negspace.avoid.policy import Policy
from negspace.avoid.terms import terms_of
from negspace.avoid.upholding import required, upheld
from negspace.avoid.wishes import inline_forms, may_negate, understood, wished
from negspace.facts import ModelFacts
from negspace.request import Request


def govern(
    request: Request,
    facts: ModelFacts,
    *,
    steps: int,
    operator: Sequence[Policy],
    tenant: str | None,
    count: Callable[[str], int],
) -> Governed:
    """The request as its policies have it carried out.

    Args:
        request: as asked.
        facts: of the model.
        steps: of the sampler.
        operator: policies that apply whatever is asked; those the request names are added.
        tenant: on whose behalf.
        count: how many tokens a text takes, about.

    Raises:
        PolicyError: a policy is not there, or cannot be read.
        PromptError: a text cannot be read.
    """
    records, policies = applying(request, facts, operator, tenant)
    wish = understood(request.prompt, request.dialect, steps)
    findings = [*not_applying(records), *wish.findings]
    if not policies and not wish.avoided and not _negated(request, steps):
        return Governed(request, request.dialect, None, records, (), tuple(findings))

    asked = wished(wish.text, request.dialect, steps)
    terms, told = in_force(policies, asked)
    prompt, added = required(wish.text, policies, request.dialect)
    prompt, blocks, cut = upheld(prompt, request.dialect, steps, terms)
    own, heard = own_claims(request, wish.avoided, steps, bool(terms.locked))
    merged, joined = merge((*policy_claims(terms.locked, steps), *own, *policy_claims(terms.free, steps)))
    kept, dropped = within_budget(merged, facts, count)
    fields, governed = governed_fields(request, facts, policies, terms)
    findings += (*told, *cut, *heard, *joined, *dropped, *governed, *added)
    if terms.locked:
        findings += (*inline_forms(request.prompt), *never_told(request, own), *widened(terms.locked, steps))
    nothing = None if request.avoid is None else ""  # two ways of saying nothing, and kept apart
    carried = request.model_copy(update={**fields, "prompt": prompt, "avoid": kept.avoids or nothing})
    return Governed(carried, WRITTEN_IN, kept.terms, records, blocks, tuple(dict.fromkeys(findings)))


def _negated(request: Request, steps: int) -> bool:
    told = request.avoid
    if isinstance(told, str) and not may_negate(told):
        return False
    terms = terms_of(told, request.dialect, steps)
    return any(negation_in(term.avoid.term, tail=False) is not None for term in terms)
