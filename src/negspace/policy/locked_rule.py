"""Which guidance rule a request has beside locked terms: its policy's, or its own where it is as strong.

Two rules of one form are compared by their settings. Rules of different forms are compared by what they were
measured to leave in the pictures (docs/frontier.md); one that was never measured is not taken for strong.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from math import inf

import yaml

from negspace.errors import RequestError
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.guidance.catalogue import RULES
from negspace.guidance.text import make
from negspace.policy.policy import Policy
from negspace.ruletext import Call, Value, read
from negspace.strength import STRENGTHS

_GROWING = frozenset({"scale", "weight", "negative"})
"""Settings of which more is stronger; all others must be equal."""


@cache
def measured_leaks() -> Mapping[str, tuple[float, float]]:
    """By rule, the share of pictures that show what is avoided, and the upper end of its 95 % interval."""
    text = (resources.files("negspace.policy") / "leaks.yaml").read_text(encoding="utf-8")
    return {rule: (leak, most) for rule, (leak, most) in yaml.safe_load(text).items()}


def required_rule(
    facts: ModelFacts, locking: Sequence[Policy], least: float
) -> tuple[str, tuple[str, ...], list[Finding]]:
    """The rule that the policies with locked terms ask for, rules for further attempts, and findings.

    Args:
        facts: of the model, whose own rule counts where no policy names one.
        locking: the policies; where several name a rule, the first that is as strong as all others.
        least: the least scale.
    """
    named = {policy.rule: policy.label for policy in locking if policy.rule is not None}
    further = {rule: policy.label for policy in locking for rule in policy.stronger}
    findings = [
        Finding("governed", f"{facts.name} cannot host rule {rule} of {label}; its own is {facts.rule}")
        for rule, label in (named | further).items()
        if not _hosted(rule, facts)
    ]
    rules = [rule for rule in named if _hosted(rule, facts)] or [facts.rule]
    strongest = next(
        (rule for rule in rules if all(why_weaker(rule, other, least) is None for other in rules)), rules[0]
    )
    findings += [
        Finding("governed", f"rule {strongest} of {named[strongest]} is taken, not {rule} of {named[rule]}")
        for rule in rules
        if rule != strongest
    ]
    return strongest, tuple(rule for rule in further if _hosted(rule, facts)), findings


def _hosted(rule: str, facts: ModelFacts) -> bool:
    """Whether a model has all that a rule asks for; a distilled one is told nothing by a branch."""
    names = [name for name in read(rule).names() if name not in STRENGTHS]
    usable = facts.negative_branch and not facts.distilled
    by_attention = any(RULES[name].delivery == "attention" for name in names if name in RULES)
    return all(name in facts.rules for name in names) and (usable or by_attention)


def why_weaker(rule: str, other: str, least: float) -> str | None:
    """Why a rule is not known to act at least as strongly as another one; None where it is.

    Args:
        rule, other: as texts.
        least: the least scale that either may have.
    """
    try:
        own, base = read(rule), read(other)
        make(rule)
    except RequestError as error:
        return str(error)
    if any(call.name in STRENGTHS and call not in list(base.calls()) for call in own.calls()):
        return "its strength changes over the steps"
    if (scale := _least_scale(own)) < least:
        return f"its scale is {scale:g}, and {least:g} is the least"
    if own.name == base.name and _covers(own, base):
        return None
    leaks = measured_leaks()
    if rule not in leaks or other not in leaks:
        return f"it was not measured beside {other}"
    if leaks[rule][0] > leaks[other][1]:
        left, usual = (f"{leaks[text][0]:.1%}" for text in (rule, other))
        return f"it leaves what is avoided in {left} of the pictures, {other} in {usual}"
    return None


def _least_scale(call: Call) -> float:
    """The least scale that a text sets; infinite where it sets none."""
    scales = [value for part in call.calls() for value in _scales(part)]
    return min(scales, default=inf)


def _scales(call: Call) -> list[float]:
    values = (*call.values[:1], *(value for name, value in call.named if name == "scale"))
    return [float(value) for value in values if isinstance(value, int | float)]


def _covers(own: Call, base: Call) -> bool:
    """Whether every setting of one form is at least as strong as in the other."""
    if own.name != base.name or len(own.values) < len(base.values):
        return False
    settings, others = dict(own.named), dict(base.named)
    pairs = [*zip(own.values, base.values, strict=False)]
    names = settings.keys() | others.keys()
    return all(_at_least(first, second, "scale") for first, second in pairs) and all(
        _at_least(settings.get(name), others.get(name), name) for name in names
    )


def _at_least(own: Value, base: Value, name: str) -> bool:
    if isinstance(own, Call) and isinstance(base, Call):
        return _covers(own, base)
    if name in _GROWING and isinstance(own, int | float):
        return base is None or (isinstance(base, int | float) and own >= base)
    return own == base
