"""Templates: shipped policies for a checkpoint by its name. They are offered, and applied only on request."""

from collections.abc import Iterator
from functools import cache

from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.policy.policy import Policy, load_policy, names


@cache
def templates() -> tuple[Policy, ...]:
    """The shipped policies that are made for certain checkpoints."""
    return tuple(policy for name in names() if (policy := load_policy(name)).recommends is not None)


def offers(facts: ModelFacts, applied: frozenset[str]) -> Iterator[Finding]:
    """A word on every template for this checkpoint that is not applied already.

    Args:
        applied: names of the policies that are.
    """
    for policy in templates():
        if policy.name in applied or policy.applies_to.why_not(facts.family, facts.name, None) is not None:
            continue
        count = len(policy.avoid)
        holds = f"{count} terms, for which ask by policy {policy.name}" if count else "no terms"
        told = f"{policy.label} is a template for this checkpoint: {policy.recommends}; {holds}"
        yield Finding("template", told, level="note")
