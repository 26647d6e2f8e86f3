"""Every model family that can be opened. Importing this loads neither torch nor a library of models.

A family that ships with Negspace is one module in `negspace.models.families`. Another package adds one
through an entry point of the group "negspace.families", which names a subclass of `Family`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TypeGuard

from negspace.errors import ModelError
from negspace.facts import ModelFacts
from negspace.models import families
from negspace.models.architecture.family import Family
from negspace.models.files.source import ModelFolder, Source, find_model
from negspace.models.lora.folder import lora_names
from negspace.plugins import modules_in, plugins


def _is_family(value: object) -> TypeGuard[type[Family]]:
    """Whether a value is a family and not a base of several, which has no name."""
    return isinstance(value, type) and issubclass(value, Family) and hasattr(value, "name")


def _defined_in(module: ModuleType) -> Iterator[Family]:
    for value in vars(module).values():
        if _is_family(value) and value.__module__ == module.__name__:
            yield value()


def _from_plugin(plugin: object) -> Family:
    if not _is_family(plugin):
        raise ValueError("it is not a subclass of Family with a name")
    return plugin()


_SHIPPED = {family.name: family for module in modules_in(families) for family in _defined_in(module)}

FAMILIES: Mapping[str, Family] = plugins("negspace.families", _SHIPPED, _from_plugin)
"""Every family by name: those that ship, then those of other packages, loaded when they are needed."""


def family_of(folder: ModelFolder) -> Family:
    """The family of a folder.

    Raises:
        ModelError: it is of a kind that is not known.
    """
    for family in FAMILIES.values():
        if folder.pipeline == family.pipeline:
            return family
    known = ", ".join(family.pipeline for family in FAMILIES.values())
    raise ModelError(f"{str(folder.path)!r} is a {folder.pipeline}; what can be opened is: {known}")


def read_facts(source: str | Path | Source) -> ModelFacts:
    """The facts of a model, from its settings alone: no weights are read and torch is not needed.

    Raises:
        ModelError: nothing is there, or it is of a kind that is not known.
    """
    source = source if isinstance(source, Source) else Source(source)
    folder = find_model(source)
    return replace(family_of(folder).facts(folder), loras=lora_names(source.lora_dir))
