"""What can go wrong, as one tree. A mistake of the user is always one of these, told in one line.

NegspaceError
├── RequestError    a field of a request is wrong, or this model cannot do what was asked
├── PolicyError     a policy cannot be read, or forbids what was asked
├── PromptError     a prompt cannot be read; `span` says where
├── ModelError      a model cannot be opened
├── EncodingError   a prompt cannot be turned into conditioning
├── FeedbackError   a chat model gave no usable answer to a complaint
├── JudgeError      a judge cannot be opened, or not be calibrated from these examples
├── LabError        a measurement cannot be made of these numbers, or a trial has ended
└── OutputError     a result cannot be written, or a file cannot be read back
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar


class NegspaceError(Exception):
    """The base of every error of Negspace. `str()` is one line: what is wrong, where, and what to do."""


class RequestError(NegspaceError):
    """A field of a request is wrong, or the model cannot do what was asked."""


class PolicyError(NegspaceError):
    """A policy cannot be read, or it forbids what was asked."""


class PromptError(NegspaceError):
    """A prompt cannot be read.

    Args:
        message: what is wrong and what to do.
        span: first and one-past-last character of the offending part in the text as it was given.
    """

    def __init__(self, message: str, span: tuple[int, int]) -> None:
        super().__init__(message)
        self.span = span

    def __reduce__(self) -> tuple[type["PromptError"], tuple[str, tuple[int, int]]]:
        """What it is made of again in another process."""
        return PromptError, (str(self), self.span)


class ModelError(NegspaceError):
    """A model cannot be opened: nothing is there, or it is of a kind that is not known."""


class EncodingError(NegspaceError):
    """A prompt cannot be turned into conditioning."""


class OutputError(NegspaceError):
    """A result cannot be written where it was asked for, or a file does not hold what is looked for."""


class FeedbackError(NegspaceError):
    """A complaint could not be read by the chat model that was asked."""


class JudgeError(NegspaceError):
    """A judge cannot be opened or calibrated."""


class LabError(NegspaceError):
    """A measurement cannot be made of these numbers, or a trial cannot go on."""


Named = TypeVar("Named")


def no_such(kind: str, name: str, known: Iterable[str]) -> str:
    """One line saying that no `kind` is called `name`, with the nearest names and then all there are.

    >>> no_such("sampler", "euler A", ["DDIM", "Euler", "Euler a"])
    "no sampler is called 'euler A'; did you mean 'Euler a' or 'Euler'? There are: DDIM, Euler, Euler a"
    """
    names = list(known)
    by_fold = {one.casefold(): one for one in names}
    near = [repr(by_fold[fold]) for fold in get_close_matches(name.casefold(), by_fold, n=2, cutoff=0.6)]
    meant = f"did you mean {' or '.join(near)}? There are" if near else "there are"
    return f"no {kind} is called {name!r}; {meant}: {', '.join(names)}"


def lookup(kind: str, name: str, known: Mapping[str, Named], error: type[NegspaceError]) -> Named:
    """What is known under a name.

    Raises:
        error: nothing is; told as by `no_such`.
    """
    if name not in known:
        raise error(no_such(kind, name, known))
    return known[name]
