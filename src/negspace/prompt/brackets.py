"""Which brackets of a text belong together, seen from outside."""

import re
from bisect import bisect_right

from negspace.prompt.tree import Span

_BRACKET = re.compile(r"[\\()\[\]]")


class Brackets:
    """The pairs of ( ) and of [ ] in a text. The kinds do not mix; a backslash makes a bracket a letter."""

    def __init__(self, text: str) -> None:
        self._pairs = [_outermost(text, "(", ")"), _outermost(text, "[", "]")]

    def hold(self, at: int) -> bool:
        """Whether the character at `at` lies between two brackets that belong together."""
        for pairs in self._pairs:
            before = bisect_right(pairs, (at, at)) - 1
            if before >= 0 and at < pairs[before][1]:
                return True
        return False


def _outermost(text: str, opening: str, closing: str) -> list[Span]:
    opened: list[int] = []
    pairs: list[Span] = []
    at = 0
    while mark := _BRACKET.search(text, at):
        at, sign = mark.end(), mark.group()
        if sign == "\\":
            at += 1
        elif sign == opening:
            opened.append(mark.start())
        elif sign == closing and opened:
            start = opened.pop()
            while pairs and pairs[-1][0] > start:
                pairs.pop()
            pairs.append((start, mark.start()))
    return pairs
