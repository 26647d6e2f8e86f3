"""Sizes as clients write them."""

import re

from negspace.errors import RequestError

_SIZE = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})")


def read_size(text: str | None) -> tuple[int | None, int | None]:
    """Width and height in "640x480"; (None, None) for "auto", "" and nothing, which leave it to the model.

    Raises:
        RequestError: it is none of these.
    """
    if text is None or text in ("", "auto"):
        return None, None
    match = _SIZE.fullmatch(text)
    if match is None:
        raise RequestError(f"size {text!r:.40} is neither WIDTHxHEIGHT nor auto")
    return int(match[1]), int(match[2])
