"""Arms: which negatives are made on the same noise, and which two of them answer which question."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

from negspace.errors import LabError
from negspace.request import Avoid

Question = Literal["whole", "alone", "needed", "again", "unrelated", "random"]


@final
@dataclass(frozen=True)
class Arm:
    """One negative, and how it is told.

    Attributes:
        name: stable: "none", "whole", "without TERM", "alone TERM", "again", "unrelated", "random".
        avoid: what the request of this arm avoids; None where it has no negative at all.
        scale, rule: of this arm; None is what the question says.
        copy: tells a picture that is made once more from the first one.
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
        question: "whole", does the list help; "alone", does this term by itself; "needed", does the list lose
            something without it; "again", is the same request the same picture (it must be); "unrelated" and
            "random", does any negative do as well.
        without, with_it: names of the arms.
        term: the term that is asked about; None where it is the list or a control.
    """

    question: Question
    without: str
    with_it: str
    term: str | None = None


@final
@dataclass(frozen=True)
class Ablation:
    """Attributes:
    arms: every negative to be made, each once.
    comparisons: what is read off them.
    """

    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]

    def arm(self, name: str) -> Arm:
        """The arm of this name.

        Raises:
            LabError: there is none.
        """
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise LabError(f"no arm is called {name!r}; there are: {', '.join(arm.name for arm in self.arms)}")


def ablation(avoid: Sequence[Avoid], *, unrelated: str, words: Sequence[str], seed: int = 0) -> Ablation:
    """The arms that tell what a list of avoided terms does, term by term, and the controls.

    With a single term the list is the term: it has no arm of its own, and "alone" and "needed" are asked of
    the same two arms.

    Args:
        avoid: the list; weights and windows are kept in every arm.
        unrelated: a term that has nothing to do with the prompt or the list.
        words: a vocabulary the random words are drawn from.
        seed: of the drawing; the same seed gives the same words.

    Raises:
        LabError: the list is empty or names a term twice, the unrelated term is one of it, or the vocabulary
            has too few words outside of the list.
    """
    terms = [one.term for one in avoid]
    if not terms:
        raise LabError("avoid: there is nothing to be left out of an empty list")
    if twice := next((term for term in terms if terms.count(term) > 1), None):
        raise LabError(f"avoid: {twice!r} is there twice; join the two first")
    if unrelated.casefold() in (term.casefold() for term in terms):
        raise LabError(f"unrelated: {unrelated!r} is itself avoided; choose another term")
    whole = tuple(avoid)
    arms = [Arm("none", None), Arm("whole", whole)]
    asked: list[Comparison] = [Comparison("whole", "none", "whole")]
    for place, one in enumerate(whole):
        alone, without = "whole", "none"
        if len(whole) > 1:
            alone, without = f"alone {one.term}", f"without {one.term}"
            arms += [Arm(alone, (one,)), Arm(without, whole[:place] + whole[place + 1 :])]
        asked += [
            Comparison("alone", "none", alone, one.term),
            Comparison("needed", without, "whole", one.term),
        ]
    drawn = _random_words(terms, words, seed)
    controls: tuple[tuple[Question, tuple[Avoid, ...] | None, int], ...] = (
        ("again", None, 1),
        ("unrelated", (Avoid(term=unrelated),), 0),
        ("random", (Avoid(term=drawn),), 0),
    )
    for name, negative, copy in controls:
        arms.append(Arm(name, negative, copy=copy))
        asked.append(Comparison(name, "none", name))
    return Ablation(tuple(arms), tuple(asked))


def _random_words(terms: Sequence[str], words: Sequence[str], seed: int) -> str:
    """As many words as the list has, none of them in it."""
    used = [word for term in terms for word in term.split()]
    taken = {word.casefold() for word in used}
    free = sorted({word for word in words if word.casefold() not in taken})
    if len(free) < len(used):
        raise LabError(f"words: {len(used)} outside of the list are needed, the vocabulary has {len(free)}")
    return " ".join(random.Random(seed).sample(free, len(used)))
