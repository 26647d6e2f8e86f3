"""Plug-ins: what the modules of a folder define, and what other packages add through entry points.

A rule, a family, a dialect or a judge that ships with Negspace is one module in the folder of its kind.
Another package adds one with an entry point in its pyproject.toml:

    [project.entry-points."negspace.rules"]
    half_cfg = "my_package.half_cfg:HalfCfg"
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from types import ModuleType
from typing import TypeVar

Plugin = TypeVar("Plugin")

_log = logging.getLogger(__name__)


def modules_in(package: ModuleType) -> Iterator[ModuleType]:
    """Every module directly in a package, imported, in alphabetical order."""
    for found in iter_modules(package.__path__, f"{package.__name__}."):
        yield import_module(found.name)


def plugins(
    group: str, shipped: Mapping[str, Plugin], check: Callable[[object], Plugin]
) -> dict[str, Plugin]:
    """What ships, with what other packages add to it.

    A plug-in that cannot be loaded is left out with one line of warning, so that one broken package does not
    stop every program that uses Negspace.

    Args:
        group: of entry points, such as "negspace.rules".
        shipped: what there is already, by name. A plug-in may not take one of these names.
        check: what a plug-in was found to be, as what it must be; raises ValueError where it is not.

    Returns:
        all of them by name, those that ship first.
    """
    known = dict(shipped)
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        if entry.name in known:
            _left_out(entry, group, f"the name {entry.name!r} is taken")
            continue
        try:
            known[entry.name] = check(entry.load())
        except Exception as error:  # whatever a stranger's module raises on import
            _left_out(entry, group, f"{type(error).__name__}: {error}")
    return known


def _left_out(entry: EntryPoint, group: str, why: str) -> None:
    package = "an unknown package" if entry.dist is None else entry.dist.name
    reason = " ".join(why.split())
    _log.warning("plug-in %r of %s (%s) is left out: %s", entry.name, package, group, reason)
