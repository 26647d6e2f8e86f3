"""Words: where one stands by itself in a text."""

from collections.abc import Iterator


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
