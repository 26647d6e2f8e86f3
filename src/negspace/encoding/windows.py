"""Text of any length in windows of a fixed number of tokens, without losing one."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Token:
    """One token on its way to the encoder.

    Attributes:
        id: its id in the vocabulary; -1 for a vector of an embedding.
        weight: of its chunk.
        chunk: index of the chunk it comes from.
        word: index of its word within the chunk, or -1 for punctuation.
        vector: [dim], given in place of a vocabulary entry, or None.
    """

    id: int
    weight: float
    chunk: int
    word: int = -1
    vector: Tensor | None = None


Piece = tuple[Token, ...]
"""Tokens that stay in one window: a single token, or all vectors of an embedding."""

TokenWindow = tuple[Token, ...]
"""The tokens of one window, without begin, end and padding."""


def fill(
    sections: Iterable[Iterable[Piece]], size: int, comma: int | None, backtrack: int = 20
) -> list[TokenWindow]:
    """Windows of at most `size` tokens; every section (the text between two BREAKs) begins a new one.

    Where a window is full and its last comma is at most `backtrack` tokens back, what follows the comma moves
    to the next window, as in AUTOMATIC1111. An empty section keeps its window, except at the end of the text;
    an empty text is one empty window.

    Args:
        sections: the pieces between BREAKs; no piece is longer than `size`.
        size: tokens of the prompt in one window.
        comma: id of the comma, or None if the vocabulary has none.
        backtrack: how far back a comma may lie; 0 never moves anything.
    """
    filled = [_fill_section(section, size, comma, backtrack) for section in sections]
    windows = [window for section in filled[:-1] for window in section or [()]]
    return windows + (filled[-1] if filled else []) or [()]


def _fill_section(pieces: Iterable[Piece], size: int, comma: int | None, backtrack: int) -> list[TokenWindow]:
    done: list[TokenWindow] = []
    window: list[Token] = []
    after_comma = 0  # where the text after the last comma begins in the window; 0 without a comma
    for piece in pieces:
        is_comma = len(piece) == 1 and comma is not None and piece[0].id == comma
        if len(window) + len(piece) > size:
            near = after_comma > 0 and size - after_comma < backtrack
            keep = after_comma if near and len(window) == size and not is_comma else len(window)
            done.append(tuple(window[:keep]))
            window = window[keep:]
            after_comma = 0
            if len(window) + len(piece) > size:  # what was carried over leaves no room for a long embedding
                done.append(tuple(window))
                window = []
        window.extend(piece)
        if is_comma:
            after_comma = len(window)
    if window:
        done.append(tuple(window))
    return done
