"""Which policies apply to a request, and which of their terms."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.frozen import Frozen
from negspace.policy.loading import load_policy
from negspace.policy.policy import CompiledTerm, Policy, TermIndex, phrase_index
from negspace.request import Request


class PolicyRecord(Frozen):
    """A policy that was asked for.

    Attributes:
        name, version, fingerprint: of the policy; the fingerprint covers all its content.
        required_by: "request", or "operator" where it applies whatever is asked.
        why_not: why it is not for this model or tenant; None where it is.
    """

    name: str
    version: int
    fingerprint: str
    required_by: Literal["request", "operator"]
    why_not: str | None = None


class Block(Frozen):
    """Why a request is not carried out.

    Attributes:
        term: the locked term that prevents it.
        policy: "name@version" of the policy that locks the term.
        why: what is wrong, in plain words.
        explain: what the policy says of itself.
    """

    term: str
    policy: str
    why: str
    explain: str

    def __str__(self) -> str:
        return f"{self.policy} blocks this request: {self.why}. {self.explain}"


def applicable_policies(
    request: Request,
    facts: ModelFacts,
    operator: Sequence[Policy],
    tenant: str | None,
    read_policy: Callable[[str], Policy] = load_policy,
) -> tuple[tuple[PolicyRecord, ...], tuple[Policy, ...]]:
    """A record of every policy that was asked for, and those of them that apply, each once.

    Args:
        request: which may name policies of its own.
        facts: of the model.
        operator: the operator's policies.
        tenant: on whose behalf.
        read_policy: gives a policy that the request names.

    Raises:
        PolicyError: there is no such policy, or it cannot be read.
    """
    requested: list[tuple[Policy, Literal["request", "operator"]]] = [
        *((policy, "operator") for policy in operator),
        *((read_policy(name), "request") for name in request.policies),
    ]
    records: dict[str, PolicyRecord] = {}
    policies: list[Policy] = []
    for policy, party in requested:
        fingerprint = policy.compiled.fingerprint
        if fingerprint in records:
            continue
        why_not = policy.applies_to.why_not(facts.family, facts.name, tenant)
        records[fingerprint] = PolicyRecord(
            name=policy.name,
            version=policy.version,
            fingerprint=fingerprint,
            required_by=party,
            why_not=why_not,
        )
        if why_not is None:
            policies.append(policy)
    return tuple(records.values()), tuple(policies)


def inapplicable_findings(records: Iterable[PolicyRecord]) -> Iterator[Finding]:
    """Names every policy that does not apply."""
    for record in records:
        if record.why_not is not None:
            text = f"the policy {record.name}@{record.version} does not apply: {record.why_not}"
            yield Finding("policy", text, level="note")


@dataclass(frozen=True)
class ActiveTerms:
    """The terms of all applicable policies, without those that the prompt lifts or asks for.

    Attributes:
        locked, free: those that are locked, and those that are not.
        policies: the applicable policies.
        lifted: whether the prompt lifts a term of theirs.
    """

    locked: tuple[CompiledTerm, ...] = ()
    free: tuple[CompiledTerm, ...] = ()
    policies: Sequence[Policy] = ()
    lifted: bool = False

    def explanation(self, origin: str) -> str:
        """What the policy with this label says of itself, or else the first one that extends it."""
        own = (policy for policy in self.policies if policy.label == origin)
        heirs = (policy for policy in self.policies if any(term.origin == origin for term in policy.avoid))
        return next((policy.explain for policy in (*own, *heirs)), "")

    def locked_indices(self) -> Sequence[TermIndex]:
        """These find phrases that ask for locked terms."""
        if self.lifted:
            return (phrase_index(self.locked),)
        return [policy.compiled.locked_phrases for policy in self.policies]


def active_terms(policies: Sequence[Policy], wanted: Sequence[str]) -> tuple[ActiveTerms, list[Finding]]:
    """The terms that are avoided, and findings on the others.

    Args:
        policies: the applicable ones.
        wanted: the readings of what the prompt asks for.
    """
    terms = [term for policy in policies for term in policy.compiled.terms]
    lifted = _mentioned((policy.compiled.exceptions for policy in policies), wanted)
    dropped = _mentioned((policy.compiled.free_phrases for policy in policies), wanted) - lifted
    given_up = lifted | dropped
    findings = [
        _lifted_finding(term) if term in lifted else _conflict_finding(term)
        for term in terms
        if term in given_up
    ]
    kept = [term for term in terms if term not in given_up]
    locked = tuple(term for term in kept if term.locked)
    free = tuple(term for term in kept if not term.locked)
    return ActiveTerms(locked, free, policies, bool(lifted)), findings


def _mentioned(indices: Iterable[TermIndex], texts: Sequence[str]) -> set[CompiledTerm]:
    mentions = (mention for index in indices for text in texts for mention in index.mentions(text))
    return {term for mention in mentions for term in mention.what}


def _lifted_finding(term: CompiledTerm) -> Finding:
    text = f"{term} is lifted: the prompt asks for an exception it allows"
    return Finding("lifted", text, side="avoid", level="note")


def _conflict_finding(term: CompiledTerm) -> Finding:
    text = f"{term} gives way: the prompt asks for it, and it is not locked"
    return Finding("conflict", text, side="avoid")
