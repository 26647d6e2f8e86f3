"""Which policies apply to a request, and which of their terms."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from negspace.avoid.merging import Entry
from negspace.avoid.wishes import mentions
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.frozen import Frozen
from negspace.policy.compiled import Articles, CompiledTerm, wishes_for
from negspace.policy.policy import Policy, load_policy
from negspace.request import Request


class PolicyRecord(Frozen):
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


class Block(Frozen):
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
class GovernedRequest:
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


def applying(
    request: Request, facts: ModelFacts, operator: Sequence[Policy], tenant: str | None
) -> tuple[tuple[PolicyRecord, ...], tuple[Policy, ...]]:
    """A record of every policy that was asked for, and those of them that apply, each once.

    Raises:
        PolicyError: one is not there, or cannot be read.
    """
    asked: list[tuple[Policy, Literal["request", "operator"]]] = [
        *((policy, "operator") for policy in operator),
        *((load_policy(name), "request") for name in request.policies),
    ]
    records: dict[str, PolicyRecord] = {}
    policies: list[Policy] = []
    for policy, party in asked:
        print_of = policy.enacted.fingerprint
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


def not_applying(records: Iterable[PolicyRecord]) -> Iterator[Finding]:
    """A word on every policy that does not apply."""
    for record in records:
        if record.why_not is not None:
            told = f"the policy {record.name}@{record.version} does not apply: {record.why_not}"
            yield Finding("policy", told, level="note")


@dataclass(frozen=True)
class TermsInForce:
    """The terms in force of all policies that apply, and who explains them.

    Attributes:
        locked, free: those that are locked, and those that are not.
        policies: those that apply.
        lifted: whether the prompt lifts a term of theirs.
    """

    locked: tuple[CompiledTerm, ...] = ()
    free: tuple[CompiledTerm, ...] = ()
    policies: Sequence[Policy] = ()
    lifted: bool = False

    def explain(self, origin: str) -> str:
        """What the policy behind a term says of itself: the one of that label, or the first that has it."""
        own = (policy for policy in self.policies if policy.label == origin)
        heirs = (policy for policy in self.policies if any(term.origin == origin for term in policy.avoid))
        return next((policy.explain for policy in (*own, *heirs)), "")

    def forbidden(self) -> Sequence[Articles]:
        """Looks for wishes for locked terms."""
        if self.lifted:
            return (wishes_for(self.locked),)
        return [policy.enacted.forbidden for policy in self.policies]


def in_force(policies: Sequence[Policy], asked: Sequence[str]) -> tuple[TermsInForce, list[Finding]]:
    """The terms that the prompt does not lift."""
    every = [one for policy in policies for one in policy.enacted.articles]
    lifted = _mentioned((policy.enacted.lifts for policy in policies), asked)
    given_way = _mentioned((policy.enacted.wishes for policy in policies), asked) - lifted
    findings: list[Finding] = []
    for one in every if lifted or given_way else ():
        term = one.term
        if one in lifted:
            told = f"{term.term!r} of {term.origin} is lifted: the prompt asks for an exception it allows"
            findings.append(Finding("lifted", told, side="avoid", level="note"))
        elif one in given_way:
            told = f"{term.term!r} of {term.origin} gives way: the prompt asks for it, and it is not locked"
            findings.append(Finding("conflict", told, side="avoid"))
    kept = [one for one in every if one not in lifted and one not in given_way]
    locked = tuple(one for one in kept if one.locked)
    free = tuple(one for one in kept if not one.locked)
    return TermsInForce(locked, free, policies, bool(lifted)), findings


def _mentioned(indices: Iterable[Articles], texts: Sequence[str]) -> set[CompiledTerm]:
    return {one for index in indices for found in mentions(index, texts, strict=False) for one in found.what}
