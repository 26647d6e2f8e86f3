"""Rules as text: `rescale(cfg(strength=window(0.2, 0.6)), phi=0.5)`. Pure: knows no rule, needs no torch.

The grammar is a call: a name, then in brackets positional values and `name=value` pairs, values being
numbers, quoted texts, None and further calls. A name alone is a call without values.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Union, runtime_checkable

from negspace.errors import RequestError

Value = Union[float, str, None, "Call"]


@runtime_checkable
class RuleLike(Protocol):
    """A rule, to whoever knows none."""

    def written(self) -> str:
        """Its text."""
        ...


@dataclass(frozen=True)
class Call:
    """The name of a rule or a strength, with its positional and its named values in order."""

    name: str
    values: tuple["Value", ...] = ()
    named: tuple[tuple[str, "Value"], ...] = ()

    def calls(self) -> Iterator["Call"]:
        """Every call, from the outside in."""
        yield self
        for value in (*self.values, *(value for _, value in self.named)):
            if isinstance(value, Call):
                yield from value.calls()

    def names(self) -> Iterator[str]:
        """Every name that is called, from the outside in."""
        return (call.name for call in self.calls())

    def __str__(self) -> str:
        parts = [_text(value) for value in self.values]
        parts += [f"{name}={_text(value)}" for name, value in self.named]
        return f"{self.name}({', '.join(parts)})" if parts else self.name


def read(text: str) -> Call:
    """The call that a text describes.

    Raises:
        RequestError: the text is not in the grammar.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        call = _value(node)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        call = None
    if not isinstance(call, Call):
        raise RequestError(f"rule {text!r:.80} cannot be read; write a name, or `name(setting=value)`")
    return call


def _value(node: ast.expr) -> Value:
    match node:
        case ast.Name(id=name):
            return Call(name)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=pairs):
            named = tuple((pair.arg, _value(pair.value)) for pair in pairs if pair.arg is not None)
            if len(named) < len(pairs):
                raise ValueError("** is no setting")
            return Call(name, tuple(map(_value, args)), named)
        case ast.Constant(value=bool()):
            raise ValueError("no truth values in rules")
        case ast.Constant(value=(int() | float() | str() | None) as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=(int() | float()) as value)):
            return -value
    raise ValueError("no value")


def _text(value: Value) -> str:
    return str(value) if isinstance(value, Call) else repr(value)
