"""Reads YAML with the line of every value, and refuses what is easily misread.

A duplicate key, of which YAML silently keeps the last, is refused, and so are anchors and aliases, which can
make a small file enormous.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from negspace.errors import PolicyError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlDocument:
    """The content of a file.

    Attributes:
        value: the content.
        lines: the line, from 1, of each key and item, by the path to it.
    """

    value: Any
    lines: Mapping[KeyPath, int]

    def line(self, *path: str | int) -> int:
        """The line of the value at a path, or of the nearest value around it."""
        known: KeyPath = path
        while known not in self.lines and known:
            known = known[:-1]
        return self.lines.get(known, 1)


def read_yaml(text: str, place: str) -> YamlDocument:
    """The only document of a YAML text.

    Args:
        text: the YAML.
        place: what error messages call it.

    Raises:
        PolicyError: it is no such text; the message names the line.
    """
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                line = event.start_mark.line + 1
                raise PolicyError(f"{place}, line {line}: anchors and aliases are not read; write it out")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise PolicyError(f"{place}, line {line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PolicyError(f"{place}: not YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(node, yaml.MappingNode):
        raise PolicyError(
            f"{place}, line 1: a policy is a list of keys and values, such as `name: my-policy`"
        )
    lines: dict[KeyPath, int] = {}
    _walk(node, (), lines, place)
    return YamlDocument(value, lines)


def _walk(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], place: str) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line, name = key.start_mark.line + 1, str(key.value)
            if (*path, name) in lines:
                raise PolicyError(f"{place}, line {line}: {name!r} appears twice")
            lines[(*path, name)] = line
            _walk(value, (*path, name), lines, place)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _walk(value, (*path, number), lines, place)
