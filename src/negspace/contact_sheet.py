"""Contact sheets: pictures in labelled rows and columns on one image."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from negspace.records import Box

_PAPER = (250, 250, 248)
_INK = (40, 40, 44)
_FRAME = (220, 30, 60)
_GAP = 8  # pixels between pictures and around the sheet
_TYPE = 15  # pixels, the height of a label's letters
_LINE = 20


def sheet(
    rows: Sequence[Sequence[Image.Image]],
    *,
    headings: Sequence[str] = (),
    labels: Sequence[str] = (),
    smallest: int = 160,
) -> Image.Image:
    """One RGB image with all pictures, enlarged by a whole number until each is at least `smallest` wide.

    Args:
        rows: pictures of one common size; rows may differ in length.
        headings: texts above the columns, one for each column or none.
        labels: texts above the rows, one for each row or none. A text that is too long ends in an ellipsis.
        smallest: the least width of a picture in pixels; smaller ones are enlarged.
    """
    width, height = rows[0][0].size
    enlarge = max(1, -(-smallest // width))
    width, height = width * enlarge, height * enlarge
    columns = max(len(row) for row in rows)
    label_height = _LINE if labels else 0
    heading_height = _LINE if headings else 0
    across = _GAP + columns * (width + _GAP)
    down = _GAP + heading_height + len(rows) * (label_height + height + _GAP)
    page = Image.new("RGB", (across, down), _PAPER)
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(_TYPE)
    for column, text in enumerate(headings):
        pen.text((_GAP + column * (width + _GAP), _GAP - 2), _fit(text, font, width), fill=_INK, font=font)
    for index, row in enumerate(rows):
        top = _GAP + heading_height + index * (label_height + height + _GAP)
        if labels:
            pen.text((_GAP, top - 2), _fit(labels[index], font, page.width - 2 * _GAP), fill=_INK, font=font)
        for column, picture in enumerate(row):
            large = picture.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
            page.paste(large, (_GAP + column * (width + _GAP), top + label_height))
    return page


def _fit(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """The text, shortened with an ellipsis if it is wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def near_square(pictures: Sequence[Image.Image]) -> list[list[Image.Image]]:
    """The pictures in rows, in a grid that is as square as possible."""
    columns = next(side for side in range(1, len(pictures) + 1) if side * side >= len(pictures))
    return [list(pictures[start : start + columns]) for start in range(0, len(pictures), columns)]


def boxed(picture: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    """A copy of the picture with frames around parts of it."""
    marked = picture.convert("RGB")
    pen = ImageDraw.Draw(marked)
    for left, top, right, bottom in boxes:
        corners = (left * picture.width, top * picture.height, right * picture.width, bottom * picture.height)
        pen.rectangle(corners, outline=_FRAME, width=2)
    return marked
