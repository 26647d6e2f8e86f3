"""The errors of Negspace. Every wrong input raises one of them, with a message of one line."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar


class NegspaceError(Exception):
    """The base class of all errors. `str()` is one line: what is wrong, where, and what to do."""


class RequestError(NegspaceError):
    """A field of a request is wrong, or the model cannot do what the request says."""


class PolicyError(NegspaceError):
    """A policy cannot be read, or it forbids the request."""


class PromptError(NegspaceError):
    """A prompt cannot be read.

    Args:
        message: what is wrong and what to do.
        span: first and one-past-last character of the wrong part in the text as it was given.
    """

    def __init__(self, message: str, span: tuple[int, int]) -> None:
        super().__init__(message)
        self.span = span

    def __reduce__(self) -> tuple[type["PromptError"], tuple[str, tuple[int, int]]]:
        """Pickles the span too, which the base class would lose."""
        return PromptError, (str(self), self.span)


class ModelError(NegspaceError):
    """A model cannot be opened: it does not exist, or its kind is not known."""


class EncodingError(NegspaceError):
    """A prompt cannot be encoded."""


class OutputError(NegspaceError):
    """A result cannot be written to its place, or a file does not contain what is read from it."""


class FeedbackError(NegspaceError):
    """A chat model gave no usable answer to a complaint."""


class JudgeError(NegspaceError):
    """A judge cannot be opened, or cannot be calibrated from these examples."""


class LabError(NegspaceError):
    """These numbers allow no measurement, or a trial cannot go on."""


Value = TypeVar("Value")


def no_such(kind: str, name: str, known: Iterable[str]) -> str:
    """The message that no `kind` is called `name`, with similar names and then all known names.

    >>> no_such("sampler", "euler A", ["DDIM", "Euler", "Euler a"])
    "no sampler is called 'euler A'; did you mean 'Euler a' or 'Euler'? There are: DDIM, Euler, Euler a"
    """
    names = list(known)
    by_key = {known_name.casefold(): known_name for known_name in names}
    similar = [repr(by_key[key]) for key in get_close_matches(name.casefold(), by_key, n=2, cutoff=0.6)]
    suggestion = f"did you mean {' or '.join(similar)}? There are" if similar else "there are"
    return f"no {kind} is called {name!r}; {suggestion}: {', '.join(names)}"


def lookup(kind: str, name: str, known: Mapping[str, Value], error: type[NegspaceError]) -> Value:
    """The value of a name.

    Raises:
        error: the name is not known; the message is that of `no_such`.
    """
    if name not in known:
        raise error(no_such(kind, name, known))
    return known[name]
