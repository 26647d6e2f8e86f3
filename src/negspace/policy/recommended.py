"""Settings that the makers of a checkpoint recommend, taken over where a request names their policy."""

from collections.abc import Iterator, Sequence
from typing import Any

from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.policy.applicable import PolicyRecord
from negspace.policy.policy import Policy, Recommends
from negspace.request import Request


def with_recommended(
    request: Request, records: Sequence[PolicyRecord], policies: Sequence[Policy], facts: ModelFacts
) -> tuple[Request, tuple[Finding, ...]]:
    """The request with what its own policies recommend for fields that it leaves open.

    Args:
        request: as asked.
        records: of its policies and those of the operator; these recommend nothing to it.
        policies: those that apply.
        facts: of the model.

    Returns:
        the request, and for each policy what was taken over and what was not.
    """
    requested = {record.fingerprint for record in records if record.required_by == "request"}
    findings: list[Finding] = []
    for policy in policies:
        if policy.recommends is None or policy.compiled.fingerprint not in requested:
            continue
        taken, left = _sorted(request, policy.recommends, facts)
        request = request.model_copy(update=taken)
        texts = [f"{name} {value} is taken over" for name, value in taken.items()]
        text = f"{policy.label} recommends {policy.recommends}: {'; '.join([*texts, *left])}"
        findings.append(Finding("recommended", text, level="note"))
    return request, tuple(findings)


def _sorted(request: Request, recommends: Recommends, facts: ModelFacts) -> tuple[dict[str, Any], list[str]]:
    """The fields to take over, and in words why others are not."""
    taken: dict[str, Any] = {}
    left: list[str] = []
    for name, value in recommends:
        own = getattr(request, name)
        why_not = next(_why_not(name, value, own, facts), None)
        if value is not None and why_not is None:
            taken[name] = value
        elif value is not None and own != value:
            left.append(f"{name} {value} is not: {why_not}")
    return taken, left


def _why_not(name: str, value: Any, own: Any, facts: ModelFacts) -> Iterator[str]:
    if own is not None:
        yield f"the request says {own}"
    if name == "sampler" and value not in facts.samplers:
        yield f"{facts.name} cannot be run with it"
    if name == "guidance" and facts.guidance is None:
        yield f"{facts.name} takes no guidance number"
