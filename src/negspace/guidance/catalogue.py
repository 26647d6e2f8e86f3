"""The rules by name: one for each module in `negspace.guidance.rules`, then those that other packages add.

A new rule is a module in that folder whose only final `Rule` has the module's name, and a hand-computed case
in tests/guidance/cases. Another package adds a rule by an entry point `negspace.rules` with the rule's name.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from types import ModuleType
from typing import Any

from negspace.guidance import rules
from negspace.guidance.base import Rule
from negspace.plugins import modules_in, plugins


class Catalogue(Mapping[str, type[Rule[Any]]]):
    """Every rule by name. They are imported at the first look-up: a plug-in may import this module itself."""

    @cached_property
    def by_name(self) -> Mapping[str, type[Rule[Any]]]:
        shipped = {rule.name: rule for rule in map(rule_of, modules_in(rules))}
        return plugins("negspace.rules", shipped, _checked)

    def __getitem__(self, name: str) -> type[Rule[Any]]:
        return self.by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)


RULES = Catalogue()
"""Every rule by name."""


def rule_of(module: ModuleType) -> type[Rule[Any]]:
    """The rule that a module defines.

    Raises:
        TypeError: it defines none or several, or the rule has another name than the module.
    """
    name = module.__name__.rpartition(".")[2]
    own = (value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__)
    final = [value for value in own if isinstance(value, type) and "__final__" in vars(value)]
    kinds = [_checked(value) for value in final if issubclass(value, Rule)]
    if [kind.name for kind in kinds] != [name]:
        raise TypeError(f"{module.__name__} must define one @final subclass of Rule, with the name {name!r}")
    return kinds[0]


def _checked(value: object) -> type[Rule[Any]]:
    if not (isinstance(value, type) and issubclass(value, Rule)):
        raise ValueError(f"{value!r:.80} is no subclass of negspace.guidance.Rule")
    return value
