"""Emoji as words, by their names in Unicode's CLDR and in chats, from the library emoji (BSD)."""

from collections.abc import Iterator
from typing import NamedTuple


class NamedEmoji(NamedTuple):
    """An emoji in a text.

    Attributes:
        start, stop: first and one-past-last character.
        names: its names, in words.
    """

    start: int
    stop: int
    names: tuple[str, ...]


def named_emojis(text: str) -> Iterator[NamedEmoji]:
    """Every emoji of a text. The library is opened when a text first has a sign beyond ASCII."""
    if text.isascii():
        return
    import emoji

    for place in emoji.emoji_list(text):
        known = emoji.EMOJI_DATA[place["emoji"]]
        names = (known["en"], *known.get("alias", ()))
        words = tuple(name.strip(":").replace("_", " ").replace("-", " ") for name in names)
        yield NamedEmoji(place["match_start"], place["match_end"], words)
