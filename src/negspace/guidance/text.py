"""Rules from text: `make("rescale(cfg, phi=0.5)", scale=7)`."""

from dataclasses import fields, replace
from typing import Any

from negspace.errors import RequestError, lookup, no_such
from negspace.guidance.base import Rule
from negspace.guidance.catalogue import RULES
from negspace.ruletext import Call, Value, read
from negspace.strength import STRENGTHS, Strength

_SHARED = ("scale", "strength")
"""Settings that a wrapper without them passes on to its inner rule."""


def make(text: str, **settings: Any) -> Rule[Any]:
    """The rule that a text describes, with these settings on top.

    Args:
        text: a name in `RULES`, or with settings, `rescale(cfg, phi=0.5)`.
        settings: of the outermost rule; `scale` and `strength` go to the rule inside that has them.

    Raises:
        RequestError: there is no such rule, it has no such setting, or the setting is out of its range.
    """
    rule = _rule(read(text))
    for name, value in settings.items():
        rule = _with(rule, name, value)
    return rule


def _rule(call: Call) -> Rule[Any]:
    return _build(lookup("rule", call.name, RULES, RequestError), f"rule {call.name}", call)


def _strength(call: Call) -> Strength:
    return _build(STRENGTHS[call.name], f"strength {call.name}", call)


def _build(kind: Any, described: str, call: Call) -> Any:
    try:
        return kind(*map(_value, call.values), **{name: _value(value) for name, value in call.named})
    except TypeError as error:
        raise RequestError(f"{described}: {error}") from None


def _value(value: Value) -> Any:
    if not isinstance(value, Call):
        return value
    return _strength(value) if value.name in STRENGTHS else _rule(value)


def _with(rule: Rule[Any], name: str, value: Any) -> Rule[Any]:
    own = {field.name for field in fields(rule)}  # type: ignore[arg-type]
    if name in own:
        return replace(rule, **{name: value})  # type: ignore[type-var]
    if name in _SHARED and "inner" in own:
        return replace(rule, inner=_with(rule.inner, name, value))  # type: ignore[attr-defined]
    raise RequestError(f"rule {rule.name}: {no_such('setting', name, sorted(own))}")
