"""Governance: a request under its policies. What is asked, and by whom, becomes what is carried out.

Who counts first is one rule: a locked policy, then the user, then a policy, then a template.

- A locked term is told with exactly its own weight and time, before everything else. A request that asks for
  it is blocked where the term's check is "block"; otherwise the wish is taken out of the prompt.
- A term of a policy that is not locked gives way to a prompt that asks for it, or for one of its `unless`.
- While a locked term is in force, the guidance scale is at least the policy's, the rule is the model's own,
  no other term weighs more than twice or less than nothing, and every field of the request that is not known
  to be harmless keeps its default.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from negspace.avoid.matching import Index, phrase
from negspace.avoid.merging import AvoidList, Claim, Entry, Rank, merge
from negspace.avoid.negations import negation_in
from negspace.avoid.policy import Policy, PolicyTerm, load_policy
from negspace.avoid.terms import is_plain, terms_of, words_of
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
from negspace.prompt import Chunk, Prompt, parse, write
from negspace.request import Avoid, Request
from negspace.words import Words

WRITTEN_IN = "a1111"
"""The dialect in which a merged list is written, whatever that of the request: it can say every weight."""

HEAVIEST = 2.0
"""The most that another term may weigh beside a locked one, which it would drown out."""

HARMLESS = frozenset(
    (
        "prompt avoid model steps sampler width height seed n dialect reading inline weighting policies dtype"
    ).split()
)
"""Fields of a request that cannot keep a locked term from being told. A new field is governed until it
stands here."""

_SYNTAX = frozenset("()[]{}\\:|<>\"'+-\n")
_SPOKEN_SYNTAX = frozenset("and not break blend swap no without any the a an or".split())


class PolicyRecord(Words):
    """A policy that was asked for.

    Attributes:
        name, version, fingerprint: of the policy; the fingerprint covers all it says.
        required_by: "request", or "operator" where it applies whatever is asked.
        why_not: why it does not concern this model or tenant; None where it does.
    """

    name: str
    version: int
    fingerprint: str
    required_by: Literal["request", "operator"]
    why_not: str | None = None


class Block(Words):
    """Why a request is not carried out.

    Attributes:
        term: the locked term that is in the way.
        policy: "name@version" of the policy that locks it.
        why: what is wrong, in plain words.
        explain: what the policy says of itself.
    """

    term: str
    policy: str
    why: str
    explain: str

    def __str__(self) -> str:
        return f"{self.policy} blocks this request: {self.why}. {self.explain}"


@dataclass(frozen=True)
class Governed:
    """A request under its policies.

    Attributes:
        request: as it is carried out.
        dialect: grammar of its avoid text.
        entries: the merged list; None where nothing was merged and the request's own text stands.
        policies: every policy that was asked for.
        blocks: what keeps the request from being carried out.
        findings: what was changed, and why.
    """

    request: Request
    dialect: str
    entries: tuple[Entry, ...] | None
    policies: tuple[PolicyRecord, ...]
    blocks: tuple[Block, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Terms:
    """The terms in force of all policies that apply, and who explains them."""

    locked: tuple[PolicyTerm, ...] = ()
    free: tuple[PolicyTerm, ...] = ()
    explain: dict[str, str] = field(default_factory=dict[str, str])


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
    records, policies = _applying(request, facts, operator, tenant)
    wish = understood(request.prompt, request.dialect, steps)
    findings = [*_not_applying(records), *wish.findings]
    if not policies and not wish.avoided and not _negated(request, steps):
        return Governed(request, request.dialect, None, records, (), tuple(findings))

    asked = wished(wish.text, request.dialect, steps)
    terms, told = _in_force(policies, asked)
    prompt, required = _required(wish.text, policies, request.dialect)
    prompt, blocks, cut = _uphold(prompt, request.dialect, steps, terms)
    own, heard = _own_claims(request, wish.avoided, steps, bool(terms.locked))
    merged, joined = merge(
        (*_claims(terms.locked, Rank.LOCKED, steps), *own, *_claims(terms.free, Rank.POLICY, steps))
    )
    kept, dropped = _within_budget(merged, facts, count)
    fields, governed = _fields(request, facts, policies, terms)
    findings += (*told, *cut, *heard, *joined, *dropped, *governed, *required)
    if terms.locked:
        findings += (*inline_forms(request.prompt), *_never_told(request, own), *_widened(terms, steps))
    nothing = None if request.avoid is None else ""  # two ways of saying nothing, and kept apart
    carried = request.model_copy(update={**fields, "prompt": prompt, "avoid": kept.avoids or nothing})
    return Governed(carried, WRITTEN_IN, kept.terms, records, blocks, tuple(dict.fromkeys(findings)))


def _applying(
    request: Request, facts: ModelFacts, operator: Sequence[Policy], tenant: str | None
) -> tuple[tuple[PolicyRecord, ...], tuple[Policy, ...]]:
    asked: list[tuple[Policy, Literal["request", "operator"]]] = [
        *((policy, "operator") for policy in operator),
        *((load_policy(name), "request") for name in request.policies),
    ]
    records: dict[str, PolicyRecord] = {}
    policies: list[Policy] = []
    for policy, party in asked:
        print_of = policy.fingerprint
        if print_of in records:
            continue
        why_not = policy.applies_to.why_not(facts.family, facts.name, tenant)
        records[print_of] = PolicyRecord(
            name=policy.name,
            version=policy.version,
            fingerprint=print_of,
            required_by=party,
            why_not=why_not,
        )
        if why_not is None:
            policies.append(policy)
    return tuple(records.values()), tuple(policies)


def _not_applying(records: Iterable[PolicyRecord]) -> Iterator[Finding]:
    for record in records:
        if record.why_not is not None:
            told = f"the policy {record.name}@{record.version} does not apply: {record.why_not}"
            yield Finding("policy", told, level="note")


def _negated(request: Request, steps: int) -> bool:
    told = request.avoid
    if isinstance(told, str) and not may_negate(told):
        return False
    terms = terms_of(told, request.dialect, steps)
    return any(negation_in(term.avoid.term, tail=False) is not None for term in terms)


def _in_force(policies: Sequence[Policy], asked: Sequence[str]) -> tuple[_Terms, list[Finding]]:
    """The terms that the prompt does not lift."""
    findings: list[Finding] = []
    every = [term for policy in policies for term in policy.avoid]
    lifts = Index(_gathered((phrase(word), term) for term in every for word in term.unless))
    wishes = Index(_gathered((said, term) for term in every if not term.locked for said in term.phrases))
    lifted: dict[int, str] = {}
    for index, why in ((lifts, "lifted"), (wishes, "conflict")):
        for mention in mentions(index, asked, strict=False):
            for term in mention.what:
                lifted.setdefault(id(term), why)
    for term in every:
        if lifted.get(id(term)) == "lifted":
            told = f"{term.term!r} of {term.origin} is lifted: the prompt asks for an exception it allows"
            findings.append(Finding("lifted", told, side="avoid", level="note"))
        elif lifted.get(id(term)) == "conflict":
            told = f"{term.term!r} of {term.origin} gives way: the prompt asks for it, and it is not locked"
            findings.append(Finding("conflict", told, side="avoid"))
    kept = [term for term in every if id(term) not in lifted]
    explain = {policy.label: policy.explain for policy in policies}
    for policy in policies:
        explain.update({term.origin: policy.explain for term in policy.avoid if term.origin not in explain})
    locked = tuple(term for term in kept if term.locked)
    return _Terms(locked, tuple(term for term in kept if not term.locked), explain), findings


def _gathered(
    pairs: Iterable[tuple[tuple[str, ...], PolicyTerm]],
) -> Iterable[tuple[tuple[str, ...], list[PolicyTerm]]]:
    """Terms by phrase; several may share one."""
    gathered: dict[tuple[str, ...], list[PolicyTerm]] = {}
    for said, term in pairs:
        gathered.setdefault(said, []).append(term)
    return gathered.items()


def _uphold(
    prompt: str, dialect: str, steps: int, terms: _Terms
) -> tuple[str, tuple[Block, ...], tuple[Finding, ...]]:
    """The prompt without wishes for locked terms, or what blocks it."""
    index = Index((said, term) for term in terms.locked for said in term.phrases)
    found = mentions(index, readings(prompt, dialect, steps), strict=True) if terms.locked else []
    if not found:
        return prompt, (), ()
    asked = {id(mention.what): mention.what for mention in found}.values()
    findings = list(_disguised(index, prompt))
    rest = cut_mentions(index, prompt)
    left = {id(one.what) for one in mentions(index, readings(rest, dialect, steps), strict=True)}
    blocked = [term for term in asked if term.check == "block" or id(term) in left]
    if blocked:
        blocks = tuple(_block(term, terms, _asks(term, id(term) in left)) for term in blocked)
        findings += (Finding("blocked", f"{one.policy}: {one.why}", side="prompt") for one in blocks)
        return prompt, blocks, tuple(findings)
    for term in asked:
        told = f"the wish for {term.term!r} is taken out of the prompt: {term.origin} locks it"
        findings.append(Finding("conflict", told, side="prompt"))
    return rest, (), tuple(findings)


def _asks(term: PolicyTerm, hidden: bool) -> str:
    told = f"the prompt asks for {term.term!r}, which is locked"
    return f"{told}, in a way that cannot be taken out of it" if hidden and term.check != "block" else told


def _block(term: PolicyTerm, terms: _Terms, why: str) -> Block:
    return Block(term=term.term, policy=term.origin, why=why, explain=terms.explain.get(term.origin, ""))


def _disguised(index: Index[PolicyTerm], prompt: str) -> Iterator[Finding]:
    for mention in index.mentions(prompt, strict=True):
        if mention.disguised:
            said = prompt[mention.start : mention.stop]
            told = f"{said!r} is read as {mention.what.term!r}"
            yield Finding("disguised", told, (mention.start, mention.stop), "prompt")


def _claims(terms: Sequence[PolicyTerm], rank: Rank, steps: int) -> Iterator[Claim]:
    """What policies avoid. A locked term whose window holds no step is told at every step."""
    for term in terms:
        avoid = Avoid(
            term=_written(term.term),
            weight=term.weight,
            window=(0.0, 1.0) if rank is Rank.LOCKED and _stepless(term, steps) else term.window,
            source=term.origin,
            locked=rank is Rank.LOCKED,
            check=term.check,
        )
        yield Claim(avoid, rank)


def _stepless(term: PolicyTerm, steps: int) -> bool:
    return not any(term.window[0] <= step / steps < term.window[1] for step in range(steps))


def _widened(terms: _Terms, steps: int) -> Iterator[Finding]:
    for term in terms.locked:
        if _stepless(term, steps):
            told = f"{term.term!r} of {term.origin} is told at every step: its time holds none of {steps}"
            yield Finding("window", told, side="avoid", level="note")


def _never_told(request: Request, claims: Sequence[Claim]) -> Iterator[Finding]:
    """Words of the avoid text that a schedule or a weight leaves unsaid."""
    if isinstance(request.avoid, str):
        said = {word for claim in claims for word in words_of(claim.avoid.term)}
        for word in dict.fromkeys(words_of(request.avoid)):
            if word not in said and word.isalpha() and word not in _SPOKEN_SYNTAX:
                told = f"{word!r} stands in the avoid text and is told at no step"
                yield Finding("never-told", told, side="avoid", level="note")


def _own_claims(
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
            own = avoid.model_copy(update={"term": _written(term), "weight": weight})
            claims.append(Claim(own, _rank(own), span))
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
        source = "user" if _is_label(avoid.source) else avoid.source
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


def _written(words: str) -> str:
    """Words as the merged list's dialect writes them."""
    if is_plain(words):
        return words
    return write(Prompt((Chunk(words, 1.0),), WRITTEN_IN, words))


def _within_budget(
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
    return Rank.POLICY if _is_label(entry.avoid.source) else Rank.USER


def _is_label(source: str) -> bool:
    """Whether a source is a policy's: name@version."""
    return re.fullmatch(r"[^\s@]+@\d+", source) is not None


def _fields(
    request: Request, facts: ModelFacts, policies: Sequence[Policy], terms: _Terms
) -> tuple[dict[str, Any], list[Finding]]:
    """The fields that a locked policy sets, and what it set them from."""
    if not terms.locked:
        return {}, []
    origins = {term.origin for term in terms.locked}
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


def _required(prompt: str, policies: Sequence[Policy], dialect: str) -> tuple[str, list[Finding]]:
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
