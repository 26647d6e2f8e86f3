"""Misspellings: a word that is no word, and one slip of the pen away from another one."""

from typing import Final

from negspace.avoid.morphology import is_english

LEAST_LETTERS: Final = 6
"""Shorter words have too many neighbours, and some of these are no words of the dictionary: "mousse"."""


def is_misspelt(word: str, meant: str) -> bool:
    """Whether a word can only be a misspelling of another: it begins with the same letter, is no English
    word, and has a letter too few, too many, wrong, or two exchanged.

    Args:
        word, meant: folded, in small letters.
    """
    if min(len(word), len(meant)) < LEAST_LETTERS or word[0] != meant[0] or word == meant:
        return False
    return _is_one_slip(word, meant) and not is_english(word)


def _is_one_slip(first: str, second: str) -> bool:
    """Whether one insertion, deletion, substitution or exchange of neighbours leads from one to the other."""
    shorter, longer = sorted((first, second), key=len)
    place = next(
        (at for at, pair in enumerate(zip(shorter, longer, strict=False)) if pair[0] != pair[1]), None
    )
    if place is None:
        return len(longer) - len(shorter) == 1
    if len(shorter) < len(longer):
        return shorter[place:] == longer[place + 1 :]
    swapped = shorter[:place] + "".join(reversed(shorter[place : place + 2])) + shorter[place + 2 :]
    return shorter[place + 1 :] == longer[place + 1 :] or swapped == longer
