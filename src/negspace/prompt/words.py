"""Words: where one stands by itself in a text."""

import re
from collections.abc import Iterable, Iterator


def words_at(source: str, word: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Where `word` stands by itself in source[start:end], as (first, word, last).

    `first` and `last` include the white space around it, which belongs to one word only, the earlier one.
    """
    at = source.find(word, start, end)
    while at >= 0:
        after = at + len(word)
        alone = not (at > start and is_letter(source[at - 1])) and not (
            after < end and is_letter(source[after])
        )
        if alone:
            first = at
            while first > start and source[first - 1].isspace():
                first -= 1
            while after < end and source[after].isspace():
                after += 1
            yield first, at, after
            start = after
        at = source.find(word, after, end)


def is_letter(sign: str) -> bool:
    """Whether `sign` can be part of a word: a letter, a digit or an underscore of any script."""
    return sign.isalnum() or sign == "_"


def mentions(names: Iterable[str]) -> re.Pattern[str] | None:
    """Finds any of the names of embeddings as a whole word in any case, longest first; None without names.

    The group "name" is the name; ComfyUI writes `embedding:name`.
    """
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    if not longest_first:
        return None
    return re.compile(rf"(?:\bembedding:|(?<![\w-]))(?P<name>{longest_first})(?![\w-])", re.IGNORECASE)
