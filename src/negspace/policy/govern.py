"""A request under its policies: what is asked, and by whom, becomes what is carried out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from negspace.avoid.matching import Index, phrase
from negspace.avoid.merging import AvoidList, Entry, Rank, merge
from negspace.avoid.negations import negation_in
from negspace.avoid.terms import terms_of
from negspace.avoid.wishes import (
    cut_mentions,
    inline_forms,
    may_negate,
    mentions,
    readings,
    understood,
    wished,
)
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.policy.claims import WRITTEN_IN, never_told, own_claims, policy_claims, widened
from negspace.policy.compiled import Articles, CompiledTerm, wishes_for
from negspace.policy.in_force import Block, GovernedRequest, TermsInForce, applying, in_force, not_applying
from negspace.policy.policy import Policy, PolicyTerm, is_label
from negspace.prompt import Chunk, Prompt, parse, write
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
    request: Request, facts: ModelFacts, policies: Sequence[Policy], terms: TermsInForce
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


_SYNTAX = frozenset("()[]{}\\:|<>\"'+-\n")


def upheld(
    prompt: str, dialect: str, steps: int, terms: TermsInForce
) -> tuple[str, tuple[Block, ...], tuple[Finding, ...]]:
    """The prompt without wishes for locked terms, or what blocks it."""
    if not terms.locked or not _asked(terms.forbidden(), readings(prompt, dialect, steps)):
        return prompt, (), ()
    index = wishes_for(terms.locked)
    asked = _asked((index,), readings(prompt, dialect, steps))
    findings = list(_disguised(index, prompt))
    rest = cut_mentions(index, prompt)
    left = _asked((index,), readings(rest, dialect, steps))
    blocked = [one.term for one in asked if one.term.check == "block" or one in left]
    if blocked:
        hidden = {id(one.term) for one in left}
        blocks = tuple(_block(term, terms, _asks(term, id(term) in hidden)) for term in blocked)
        findings += (Finding("blocked", f"{one.policy}: {one.why}", side="prompt") for one in blocks)
        return prompt, blocks, tuple(findings)
    for one in asked:
        told = f"the wish for {one.term.term!r} is taken out of the prompt: {one.term.origin} locks it"
        findings.append(Finding("conflict", told, side="prompt"))
    return rest, (), tuple(findings)


def _asked(indices: Iterable[Articles], texts: Sequence[str]) -> list[CompiledTerm]:
    """What the texts ask for, each once, in the order of asking."""
    found = (mention for index in indices for mention in mentions(index, texts, strict=True))
    return list(dict.fromkeys(one for mention in found for one in mention.what))


def _asks(term: PolicyTerm, hidden: bool) -> str:
    told = f"the prompt asks for {term.term!r}, which is locked"
    return f"{told}, in a way that cannot be taken out of it" if hidden and term.check != "block" else told


def _block(term: PolicyTerm, terms: TermsInForce, why: str) -> Block:
    return Block(term=term.term, policy=term.origin, why=why, explain=terms.explain(term.origin))


def _disguised(index: Articles, prompt: str) -> Iterator[Finding]:
    for mention in index.mentions(prompt, strict=True):
        if mention.disguised:
            said = prompt[mention.start : mention.stop]
            told = f"{said!r} is read as {mention.what[0].term.term!r}"
            yield Finding("disguised", told, (mention.start, mention.stop), "prompt")


def required(prompt: str, policies: Sequence[Policy], dialect: str) -> tuple[str, list[Finding]]:
    """The prompt with the words that policies require; before it where it has syntax that could take them."""
    findings: list[Finding] = []
    known = Index((phrase(word), word) for policy in policies for word in policy.require)
    there = {mention.what for mention in known.mentions(prompt)}
    wanted = [word for word in known.known.values() if word not in there]
    if not wanted:
        return prompt, findings
    read = parse(prompt, dialect)
    if read.structure is not None:
        told = f"the words {', '.join(wanted)} cannot be added to a prompt of compel's functions"
        return prompt, [Finding("required", told, side="prompt")]
    added = write(Prompt((Chunk(", ".join(wanted), 1.0),), dialect, ", ".join(wanted)))
    findings.append(
        Finding("required", f"a policy adds {added!r} to the prompt", side="prompt", level="note")
    )
    if not prompt.strip():
        return added, findings
    plain = _SYNTAX.isdisjoint(prompt) and "AND" not in prompt and "BREAK" not in prompt
    return (f"{prompt}, {added}" if plain else f"{added}, {prompt}"), findings


def govern(
    request: Request,
    facts: ModelFacts,
    *,
    steps: int,
    operator: Sequence[Policy],
    tenant: str | None,
    count: Callable[[str], int],
) -> GovernedRequest:
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
        return GovernedRequest(request, request.dialect, None, records, (), tuple(findings))

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
    return GovernedRequest(carried, WRITTEN_IN, kept.terms, records, blocks, tuple(dict.fromkeys(findings)))


def _negated(request: Request, steps: int) -> bool:
    told = request.avoid
    if isinstance(told, str) and not may_negate(told):
        return False
    terms = terms_of(told, request.dialect, steps)
    return any(negation_in(term.avoid.term, tail=False) is not None for term in terms)
