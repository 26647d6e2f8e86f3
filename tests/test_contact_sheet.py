"""Contact sheets: every picture in its place, at the size and under the label asked for."""

import pytest
from PIL import Image

from negspace.contact_sheet import near_square, sheet

COLOURS = [(255, 0, 0), (0, 160, 0), (0, 0, 255), (200, 200, 0)]


def squares(count: int, side: int = 8) -> list[Image.Image]:
    return [Image.new("RGB", (side, side), COLOURS[i % len(COLOURS)]) for i in range(count)]


def test_each_picture_is_where_it_belongs() -> None:
    pictures = squares(4, side=16)
    page = sheet([pictures[:2], pictures[2:]], smallest=16)
    assert page.size == (8 + 2 * 24, 8 + 2 * 24)
    centres = [(16, 16), (40, 16), (16, 40), (40, 40)]
    assert [page.getpixel(centre) for centre in centres] == COLOURS


def test_small_pictures_are_enlarged_by_a_whole_number() -> None:
    assert sheet([squares(1, side=64)], smallest=160).size == (8 + 192 + 8, 8 + 192 + 8)
    assert sheet([squares(1, side=512)], smallest=160).size == (8 + 512 + 8, 8 + 512 + 8)


def test_labels_and_headings_take_room_and_leave_ink() -> None:
    plain = sheet([squares(2)])
    told = sheet([squares(2)], headings=["without", "with"], labels=["a very long label " * 20])
    assert told.width == plain.width
    assert told.height == plain.height + 40
    assert min(told.crop((8, 6, 60, 24)).convert("L").tobytes()) < 100


@pytest.mark.parametrize(
    ("count", "shape"), [(1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2]), (5, [3, 2]), (9, [3] * 3)]
)
def test_a_grid_is_nearly_square(count: int, shape: list[int]) -> None:
    assert [len(row) for row in near_square(squares(count))] == shape
