"""Names, and those that nobody has: told with those that were probably meant."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from negspace.errors import NegspaceError

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


def named(kind: str, name: str, known: Mapping[str, Named], error: type[NegspaceError]) -> Named:
    """What is known under a name.

    Raises:
        error: nothing is; told as by `no_such`.
    """
    if name not in known:
        raise error(no_such(kind, name, known))
    return known[name]
