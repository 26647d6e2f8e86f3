"""Windows: what goes where, and that no token is ever lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from negspace.encoding.windows import Piece, Token, TokenWindow, fill

COMMA = 7


def pieces(*ids: int | tuple[int, ...]) -> list[Piece]:
    """A piece for each number; a tuple is an embedding whose vectors may not be parted."""
    return [
        tuple(Token(one, 1.0, 0) for one in ((number,) if isinstance(number, int) else number))
        for number in ids
    ]


def ids(windows: list[TokenWindow]) -> list[list[int]]:
    return [[token.id for token in window] for window in windows]


def test_an_empty_text_is_one_empty_window() -> None:
    assert ids(fill([[]], 5, COMMA)) == [[]]


def test_a_full_window_is_followed_by_the_next() -> None:
    assert ids(fill([pieces(1, 2, 3, 4, 5, 6)], 5, COMMA)) == [[1, 2, 3, 4, 5], [6]]


def test_what_follows_a_near_comma_moves_on() -> None:
    assert ids(fill([pieces(1, COMMA, 3, 4, 5, 6)], 5, COMMA, backtrack=4)) == [[1, COMMA], [3, 4, 5, 6]]


def test_a_comma_further_back_than_the_backtrack_changes_nothing() -> None:
    assert ids(fill([pieces(1, COMMA, 3, 4, 5, 6)], 5, COMMA, backtrack=3)) == [[1, COMMA, 3, 4, 5], [6]]


@pytest.mark.parametrize(("commas_back", "moved"), [(19, True), (20, False)])
def test_the_backtrack_of_twenty_counts_the_comma(commas_back: int, moved: bool) -> None:
    """AUTOMATIC1111 moves the text where comma and what follows it are at most 20 tokens."""
    numbers = [1] * (74 - commas_back) + [COMMA] + [2] * commas_back + [3]
    windows = ids(fill([pieces(*numbers)], 75, COMMA))
    assert len(windows[0]) == (75 - commas_back if moved else 75)


def test_a_comma_that_does_not_fit_begins_the_next_window() -> None:
    assert ids(fill([pieces(1, 2, COMMA, 4, 5, COMMA)], 5, COMMA, 4)) == [[1, 2, COMMA, 4, 5], [COMMA]]


def test_without_a_comma_in_the_vocabulary_nothing_moves() -> None:
    assert ids(fill([pieces(1, COMMA, 3, 4, 5, 6)], 5, None)) == [[1, COMMA, 3, 4, 5], [6]]


def test_every_section_begins_a_window() -> None:
    assert ids(fill([pieces(1), pieces(2), pieces(3)], 5, COMMA)) == [[1], [2], [3]]


def test_empty_sections_keep_their_window_except_at_the_end() -> None:
    """As in AUTOMATIC1111: `BREAK a BREAK BREAK b BREAK`."""
    assert ids(fill([[], pieces(1), [], pieces(2), []], 5, COMMA)) == [[], [1], [], [2]]


def test_an_embedding_is_never_parted() -> None:
    assert ids(fill([pieces(1, 2, 3, (-1, -1, -1), 4)], 5, COMMA)) == [[1, 2, 3], [-1, -1, -1, 4]]


def test_what_is_carried_over_and_a_long_embedding_may_need_two_windows() -> None:
    filled = fill([pieces(1, COMMA, 3, 4, 5, (-1, -1, -1, -1))], 5, COMMA, backtrack=4)
    assert ids(filled) == [[1, COMMA], [3, 4, 5], [-1, -1, -1, -1]]


@given(
    st.lists(
        st.lists(st.one_of(st.sampled_from([1, 2, 3, COMMA]), st.integers(2, 9).map(lambda n: (-1,) * n)))
    ),
    st.integers(9, 20),
    st.integers(0, 25),
)
def test_no_token_is_lost_and_none_is_out_of_order(
    sections: list[list[int | tuple[int, ...]]], size: int, backtrack: int
) -> None:
    given_pieces = [pieces(*section) for section in sections]
    windows = fill(given_pieces, size, COMMA, backtrack)
    told = [id(token) for window in windows for token in window]
    assert told == [id(token) for section in given_pieces for piece in section for token in piece]
    assert all(len(window) <= size for window in windows)
    where = {id(token): number for number, window in enumerate(windows) for token in window}
    assert all(
        len({where[id(token)] for token in piece}) == 1 for section in given_pieces for piece in section
    )
