"""Branches of their own for locked terms, so that nothing else that is avoided weakens them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf

from negspace.avoid.terms import Term
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.guidance.branch import LOCKED, OTHERS
from negspace.guidance.catalogue import RULES
from negspace.guidance.rules.locked import Locked
from negspace.planning.negative import (
    NOT_AT_ALL,
    NegativeGroup,
    PlannedTerm,
    negative_text,
    stages_of,
    tokens_of_list,
)
from negspace.planning.routes import route
from negspace.planning.rule import ResolvedRule, resolve_rule
from negspace.policy.applicable import Block
from negspace.policy.govern import GovernedRequest
from negspace.policy.policy import is_locked_by_policy
from negspace.request import Avoid
from negspace.ruletext import read

MOST_JOINT = 0.05
"""The length of the push of other terms, in lengths of that of locked ones, where a joint branch tells them.
Such pushes keep their direction for most of the run; `python -m bench.dilution` shows what more of them does.
"""


def with_locked_rule(governed: GovernedRequest, facts: ModelFacts, steps: int) -> GovernedRequest:
    """The request with rule `locked` around its own, where locked terms and others are avoided together.

    Raises:
        RequestError: as `resolve_rule`.
    """
    entries = governed.entries or ()
    locked = [entry for entry in entries if entry.locked]
    others = [entry for entry in entries if not entry.locked and entry.avoid.weight]
    if not locked or not others:
        return governed
    routed = route(governed.request, facts, [Term(entry.avoid, entry.span) for entry in entries])
    rule = resolve_rule(routed.request, facts, steps)
    if not rule.channels or Locked.name in read(rule.text).names():
        return governed
    text = around(rule.text)
    names = ", ".join(repr(entry.avoid.term) for entry in locked)
    why = f"branches of their own for {names}, which the {len(others)} other terms do not change"
    finding = Finding("locked-branch", f"rule {text}: {why}", side="avoid", level="note")
    return replace(
        governed,
        request=routed.request.model_copy(update={"rule": text}),
        findings=(*governed.findings, *routed.findings, finding),
    )


def around(rule: str) -> str:
    """A rule as text, with rule `locked` around it."""
    joint = any(RULES[name].delivery == "joint" for name in read(rule).names() if name in RULES)
    return f"{Locked.name}({rule}, most={MOST_JOINT})" if joint else f"{Locked.name}({rule})"


def groups_of(
    rule: ResolvedRule, avoid: str | Sequence[Avoid] | None, terms: Sequence[PlannedTerm], dialect: str
) -> tuple[NegativeGroup, ...]:
    """The texts of the locked terms and of the others; () where all terms are told together.

    Args:
        rule: of the request.
        avoid: what is avoided, as the model is told it.
        terms: the same, with what the encoders make of it.
        dialect: in which the terms are written.
    """
    if avoid is None or isinstance(avoid, str) or not any(isinstance(part, Locked) for part in rule.chain):
        return ()
    if len({is_locked_by_policy(term) for term in avoid}) < 2:
        return ()
    return tuple(_group(name, avoid, terms, dialect) for name in (LOCKED, OTHERS))


def _group(name: str, avoid: Sequence[Avoid], terms: Sequence[PlannedTerm], dialect: str) -> NegativeGroup:
    locked = name == LOCKED
    own = [term for term in avoid if is_locked_by_policy(term) == locked]
    planned = [term for term in terms if is_locked_by_policy(term.avoid) == locked]
    stages = stages_of(own, negative_text(own, dialect), dialect)
    return NegativeGroup(name=name, stages=stages, tokens=tokens_of_list(planned))


def unreachable_blocks(
    terms: Sequence[PlannedTerm], rule: ResolvedRule, facts: ModelFacts, why_not: str | None
) -> Iterator[Block]:
    """Blocks for locked terms that neither reach the model nor are checked for, and for those that take more
    tokens together than the model reads.
    """
    locked = [term for term in terms if is_locked_by_policy(term.avoid)]
    for term in locked:
        if term.channel == NOT_AT_ALL:
            why = f"{term.avoid.term!r} is locked and cannot reach the model: {why_not}"
            explain = "Give it a check, or use a model with a usable negative."
            yield Block(term=term.avoid.term, policy=term.avoid.source, why=why, explain=explain)
    limit = min((encoder.chunk for encoder in facts.encoders if encoder.kind == "llm"), default=inf)
    tokens = tokens_of_list(locked)
    if rule.channels and not rule.weighs_terms and tokens > limit:
        last = locked[-1].avoid
        why = f"the locked terms take about {tokens} tokens, and {facts.name} reads {limit} at most"
        explain = "Lock fewer terms, or use a rule with a branch for each of them."
        yield Block(term=last.term, policy=last.source, why=why, explain=explain)
