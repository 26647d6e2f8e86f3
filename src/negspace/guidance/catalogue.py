"""The rules by name: one for each module in `negspace.guidance.rules`, then those that other packages add.

A new rule is a module in that folder whose only final `Rule` has the module's name, and a hand-computed case
in tests/guidance/cases. Another package adds a rule by an entry point `negspace.rules` with the rule's name.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, get_args

from negspace.errors import RequestError
from negspace.guidance import rules
from negspace.guidance.base import Delivery, Rule, Space
from negspace.plugins import check_call, modules_in, plugins


def rule_of(module: ModuleType) -> type[Rule[Any]]:
    """The rule that a module defines.

    Raises:
        TypeError: it defines none or several, or the rule has another name than the module.
    """
    name = module.__name__.rpartition(".")[2]
    classes = [value for value in vars(module).values() if isinstance(value, type)]
    own = [value for value in classes if value.__module__ == module.__name__ and "__final__" in vars(value)]
    kinds = [value for value in own if issubclass(value, Rule)]
    if [getattr(kind, "name", None) for kind in kinds] != [name]:
        raise TypeError(f"{module.__name__} must define one @final subclass of Rule, with the name {name!r}")
    try:
        return _checked(kinds[0])
    except (ValueError, RequestError) as error:
        raise TypeError(f"{module.__name__}: {error}") from None


_STATED = ("name", "formula", "paper", "space", "delivery")
"""What the class of every rule states."""

_ALLOWED = {"delivery": get_args(Delivery), "space": ("any", *get_args(Space))}


def _checked(value: object) -> type[Rule[Any]]:
    if not (isinstance(value, type) and issubclass(value, Rule)):
        raise ValueError(f"{value!r:.80} is no subclass of negspace.guidance.Rule")
    lacking = [*sorted(value.__abstractmethods__), *(name for name in _STATED if not hasattr(value, name))]
    if lacking:
        raise ValueError(f"rule {value.__name__} does not define {', '.join(lacking)}")
    for stated, allowed in _ALLOWED.items():
        if getattr(value, stated) not in allowed:
            raise ValueError(f"rule {value.name}: {stated} is one of {', '.join(allowed)}")
    rule = value()
    check_call(rule.reaches, None, what=f"rule {value.name}: reaches takes a moment")
    check_call(rule.remarks, 10, what=f"rule {value.name}: remarks takes a number of steps")
    check_call(rule.branches, None, None, what=f"rule {value.name}: branches takes a step and a state")
    return value


RULES: Mapping[str, type[Rule[Any]]] = plugins(
    "negspace.rules", {rule.name: rule for rule in map(rule_of, modules_in(rules))}, _checked
)
"""Every rule by name."""
