"""Rules from text and back: `make("rescale(cfg, phi=0.5)", scale=7)`."""

from collections.abc import Collection
from dataclasses import MISSING, fields, replace
from typing import Any

from negspace.errors import RequestError, no_such
from negspace.guidance.base import Rule
from negspace.guidance.catalogue import RULES
from negspace.ruletext import Call, Value, read
from negspace.strength import STRENGTHS, Strength

_SHARED = ("scale", "strength")
"""What a wrapper hands inwards, to the rule that has it."""


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


def write(rule: Rule[Any], always: Collection[str] = ()) -> str:
    """The text that `make` gives the equal rule for.

    Args:
        rule: any.
        always: settings to be written even at their defaults; the others are left out there.
    """
    return str(_call(rule, always))


def _rule(call: Call) -> Rule[Any]:
    if call.name not in RULES:
        raise RequestError(no_such("rule", call.name, RULES))
    return _build(RULES[call.name], f"rule {call.name}", call)


def _strength(call: Call) -> Strength:
    return _build(STRENGTHS[call.name], f"strength {call.name}", call)


def _build(kind: Any, what: str, call: Call) -> Any:
    try:
        return kind(*map(_value, call.values), **{name: _value(value) for name, value in call.named})
    except TypeError as error:
        raise RequestError(f"{what}: {error}") from None


def _value(value: Value) -> Any:
    if not isinstance(value, Call):
        return value
    return _strength(value) if value.name in STRENGTHS else _rule(value)


def _with(rule: Rule[Any], name: str, value: Any) -> Rule[Any]:
    own = {one.name for one in fields(rule)}  # type: ignore[arg-type]
    if name in own:
        return replace(rule, **{name: value})  # type: ignore[type-var]
    if name in _SHARED and "inner" in own:
        return replace(rule, inner=_with(rule.inner, name, value))  # type: ignore[attr-defined]
    raise RequestError(f"rule {rule.name}: {no_such('setting', name, sorted(own))}")


def _call(value: Rule[Any] | Strength, always: Collection[str] = ()) -> Call:
    named: list[tuple[str, Value]] = []
    values: list[Value] = []
    for one in fields(value):  # type: ignore[arg-type]
        held = getattr(value, one.name)
        shown = _call(held, always) if isinstance(held, Rule | Strength) else held
        if one.default is MISSING:
            values.append(shown)
        elif held != one.default or one.name in always or (isinstance(held, Rule) and _sets(shown, always)):
            named.append((one.name, shown))
    return Call(value.name, tuple(values), tuple(named))


def _sets(call: Any, names: Collection[str]) -> bool:
    return any(name in names for one in call.calls() for name, _ in one.named)
