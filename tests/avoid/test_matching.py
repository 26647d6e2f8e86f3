"""Matching: whole words, in any spelling, and in any disguise where it matters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.avoid.lookalikes import LOOKALIKES
from negspace.avoid.matching import Index, disguised_words, fold, phrase, words

TERMS = ("hat", "low quality", "watermark", "art", "person", "gray scarf")
INDEX = Index((phrase(term), term) for term in TERMS)


def said(text: str) -> list[str]:
    return [mention.what for mention in INDEX.mentions(text)]


def said_in_disguise(text: str) -> list[str]:
    return [mention.what for mention in INDEX.mentions_in_disguise(text)]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("a cartoon, chat, that", []),  # never a substring
        ("the Hats", ["hat"]),
        ("a hat's brim", ["hat"]),
        ("low-quality", ["low quality"]),
        ("lowquality", ["low quality"]),
        ("quality low", []),
        ("water mark", ["watermark"]),
        ("two people", ["person"]),
        ("grey scarves", ["gray scarf"]),
        ("glass glasses", []),
        ("hat, art", ["hat", "art"]),
    ],
)
def test_phrases_are_found_as_whole_words(text: str, terms: list[str]) -> None:
    assert said(text) == terms
    for mention in INDEX.mentions(text):
        assert said(text[mention.start : mention.stop]) == [mention.what]


@pytest.mark.parametrize(
    "text",
    [
        "h\u200bat",  # zero width space
        "h\u00adat",  # soft hyphen
        "h\u202ea\u202ct",  # direction marks
        "h\u0430t",  # Cyrillic
        "\u04bbа\u0442",
        "h\u03b1\u03c4",  # Greek
        "ｈａｔ",  # full width
        "𝐡𝐚𝐭",  # mathematical bold
        "ⓗⓐⓣ",
        "🅷🅰🆃",
        "ʜᴀᴛ",  # small capitals
        "ḧäẗ",
        "h̶a̶t̶",  # struck through
        "h\ufe0fa\ufe0ft",  # variation selectors
    ],
)
def test_look_alikes_are_read_as_what_they_look_like(text: str) -> None:
    assert said(f"a red {text}, snow") == ["hat"]
    assert INDEX.mentions(text)[0].disguised


@pytest.mark.parametrize("text", ["h4t", "h@t", "haaat", "h a t", "h.a.t", "h-a-t", "a red h a t"])
def test_disguises_are_seen_through_where_it_matters(text: str) -> None:
    assert "hat" not in said(text)
    assert "hat" in said_in_disguise(text)


def test_plain_words_are_not_disguises() -> None:
    assert said_in_disguise("4 cats at a bat, 12 hots, h at") == []


def test_look_alikes_are_single_signs_for_plain_letters() -> None:
    for sign, plain in LOOKALIKES.items():
        assert len(sign) == 1 and not sign.isascii()
        assert plain.isascii() and plain.isalpha() and plain.islower() and len(plain) <= 2


@settings(deadline=None)
@given(st.text(max_size=60))
def test_places_are_in_the_text(text: str) -> None:
    folded, places = fold(text)
    assert len(folded) == len(places)
    assert list(places) == sorted(places)
    for word in (*words(text), *disguised_words(text)):
        assert 0 <= word.start < word.stop <= len(text)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["hat", "low", "quality", "art", "cart", "the", "people"]), max_size=8))
def test_a_mention_does_not_depend_on_case_or_articles(parts: list[str]) -> None:
    text = " ".join(parts)
    assert said(text) == said(text.upper()) == said(" the ".join(parts))
