"""Plug-ins: the modules that ship in a folder, and what other packages add through entry points.

A rule, a family, a dialect or a judge that ships with Negspace is one module in the folder of its kind.
Another package adds one with an entry point in its pyproject.toml:

    [project.entry-points."negspace.rules"]
    half_cfg = "my_package.half_cfg:HalfCfg"
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import signature
from pkgutil import iter_modules
from types import ModuleType
from typing import TypeVar

Plugin = TypeVar("Plugin")

_log = logging.getLogger(__name__)


def modules_in(package: ModuleType) -> Iterator[ModuleType]:
    """Every module directly in a package, imported, in alphabetical order."""
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        yield import_module(module.name)


def defined_in(package: ModuleType, name: str, kind: type[Plugin]) -> Iterator[Plugin]:
    """What every module directly in a package defines under a name.

    Raises:
        TypeError: a module does not define it, or as something else.
    """
    for module in modules_in(package):
        value = getattr(module, name, None)
        if not isinstance(value, kind):
            raise TypeError(f"{module.__name__} must define {name}, a {kind.__name__}")
        yield value


def check_call(function: Callable[..., object], *arguments: object, what: str) -> None:
    """Stop where a function cannot be called with so many arguments.

    Raises:
        ValueError: it cannot; the message begins with `what`.
    """
    try:
        signature(function).bind(*arguments)
    except TypeError as error:
        raise ValueError(f"{what}: {error}") from None


def plugins(
    group: str, shipped: Mapping[str, Plugin], check: Callable[[object], Plugin]
) -> Mapping[str, Plugin]:
    """What ships and what other packages add to it, by name; what ships comes first.

    Entry points are loaded when a name that does not ship is looked up or all are listed, so that a package
    with a plug-in may itself import Negspace. A plug-in that cannot be loaded is left out with one line of
    warning, so that one broken package does not stop every program that uses Negspace.

    Args:
        group: of entry points, such as "negspace.rules".
        shipped: what ships, by name. A plug-in may not take one of these names.
        check: returns a plug-in as what it must be; raises ValueError where it is not.
    """
    return _Plugins(group, shipped, check)


class _Plugins(Mapping[str, Plugin]):
    def __init__(self, group: str, shipped: Mapping[str, Plugin], check: Callable[[object], Plugin]) -> None:
        self._group = group
        self._shipped = shipped
        self._check = check

    def __getitem__(self, name: str) -> Plugin:
        return self._shipped[name] if name in self._shipped else self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @cached_property
    def _all(self) -> dict[str, Plugin]:
        known = dict(self._shipped)
        for entry in sorted(entry_points(group=self._group), key=lambda entry: entry.name):
            if entry.name in known:
                self._leave_out(entry, f"the name {entry.name!r} is taken")
                continue
            try:
                plugin = self._check(entry.load())
            except (Exception, SystemExit) as error:  # whatever a module of another package does
                self._leave_out(entry, f"{type(error).__name__}: {error}")
                continue
            own = getattr(plugin, "name", entry.name)
            if own == entry.name:
                known[entry.name] = plugin
            else:
                self._leave_out(entry, f"it is called {own!r}, not {entry.name!r}")
        return known

    def _leave_out(self, entry: EntryPoint, why: str) -> None:
        package = "an unknown package" if entry.dist is None else entry.dist.name
        reason = " ".join(why.split())
        _log.warning("plug-in %r of %s (%s) is left out: %s", entry.name, package, self._group, reason)
