"""Governed: a request under its policies, as values."""

from dataclasses import dataclass
from typing import Literal

from negspace.avoid.merging import Entry
from negspace.findings import Finding
from negspace.request import Request
from negspace.words import Words


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
