"""The arms of a proof: which negatives are tried on the same noise, and which two are compared."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

from negspace.errors import LabError
from negspace.request import Avoid

ComparisonKind = Literal["whole", "alone", "needed", "again", "unrelated", "random"]


@final
@dataclass(frozen=True)
class Arm:
    """One negative, and how it is applied.

    Attributes:
        name: "none", "whole", "without TERM", "alone TERM", "again", "unrelated" or "random"; other arms have
            names of their own.
        avoid: what the request of this arm avoids; None is no negative at all.
        scale, rule: of this arm; None keeps those of the request.
        copy: distinguishes a picture that is made once more from the first one.
    """

    name: str
    avoid: tuple[Avoid, ...] | None
    scale: float | None = None
    rule: str | None = None
    copy: int = 0


@final
@dataclass(frozen=True)
class Comparison:
    """Two arms whose pictures are paired.

    Attributes:
        kind: what the comparison shows: "whole", whether the list helps; "alone", whether one term does;
            "needed", whether the list gets worse without a term; "again", whether the same request gives the
            same picture; "unrelated" and "random", whether any negative does as well.
        without, with_it: names of the arms.
        term: the term in question; None for the list and for controls.
    """

    kind: ComparisonKind
    without: str
    with_it: str
    term: str | None = None


@final
@dataclass(frozen=True)
class Ablation:
    """The design of a proof: every negative once, and the pairs of arms that are compared."""

    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]

    def arm(self, name: str) -> Arm:
        """The arm with this name.

        Raises:
            LabError: there is none.
        """
        arms = {arm.name: arm for arm in self.arms}
        if name not in arms:
            raise LabError(f"no arm is called {name!r}; there are: {', '.join(arms)}")
        return arms[name]

    def comparison(self, kind: ComparisonKind, term: str) -> Comparison:
        """The comparison of this kind for a term of the list."""
        return next(pair for pair in self.comparisons if pair.kind == kind and pair.term == term)


def ablation(avoid: Sequence[Avoid], *, unrelated: str, words: Sequence[str], seed: int = 0) -> Ablation:
    """The arms that show what a list of avoided terms does, term by term, and the controls.

    With a single term the list is the term: it has no arm of its own, and "alone" and "needed" compare the
    same two arms.

    Args:
        avoid: the list; weights and windows are kept in every arm.
        unrelated: a term that has nothing to do with the prompt or the list.
        words: a vocabulary from which the random words are drawn; the same seed draws the same ones.

    Raises:
        LabError: the list is empty or names a term twice, the unrelated term is in it, or the vocabulary has
            too few words outside of the list.
    """
    terms = [avoided.term for avoided in avoid]
    if not terms:
        raise LabError("avoid: there is nothing to be left out of an empty list")
    if twice := next((term for term in terms if terms.count(term) > 1), None):
        raise LabError(f"avoid: {twice!r} is there twice; join the two first")
    if unrelated.casefold() in (term.casefold() for term in terms):
        raise LabError(f"unrelated: {unrelated!r} is itself avoided; choose another term")
    whole = tuple(avoid)
    arms = [Arm("none", None), Arm("whole", whole)]
    comparisons = [Comparison("whole", "none", "whole")]
    for index, avoided in enumerate(whole):
        alone, without = "whole", "none"
        if len(whole) > 1:
            alone, without = f"alone {avoided.term}", f"without {avoided.term}"
            arms += [Arm(alone, (avoided,)), Arm(without, whole[:index] + whole[index + 1 :])]
        comparisons += [
            Comparison("alone", "none", alone, avoided.term),
            Comparison("needed", without, "whole", avoided.term),
        ]
    controls: tuple[tuple[ComparisonKind, tuple[Avoid, ...] | None, int], ...] = (
        ("again", None, 1),
        ("unrelated", (Avoid(term=unrelated),), 0),
        ("random", (Avoid(term=_random_words(terms, words, seed)),), 0),
    )
    for name, negative, copy in controls:
        arms.append(Arm(name, negative, copy=copy))
        comparisons.append(Comparison(name, "none", name))
    return Ablation(tuple(arms), tuple(comparisons))


def _random_words(terms: Sequence[str], words: Sequence[str], seed: int) -> str:
    """As many words as the list has, none of which are in it."""
    used = [word for term in terms for word in term.split()]
    excluded = {word.casefold() for word in used}
    free = sorted({word for word in words if word.casefold() not in excluded})
    if len(free) < len(used):
        raise LabError(f"words: {len(used)} outside of the list are needed, the vocabulary has {len(free)}")
    return " ".join(random.Random(seed).sample(free, len(used)))
