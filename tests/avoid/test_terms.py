"""Terms out of text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.avoid.terms import content_words, terms_of
from negspace.request import Avoid


def told(text: str, dialect: str = "a1111", steps: int = 10) -> list[tuple[str, float, str]]:
    """(words, weight, what stands at the span) of each term."""
    spans = [term.span or (0, 0) for term in terms_of(text, dialect, steps)]
    return [
        (term.avoid.term, term.avoid.weight, text[start:end])
        for term, (start, end) in zip(terms_of(text, dialect, steps), spans, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        (" , ;\n,", []),
        ("blurry", [("blurry", 1.0, "blurry")]),
        ("blurry, extra fingers ", [("blurry", 1.0, "blurry"), ("extra fingers", 1.0, "extra fingers")]),
        ("blurry, (watermark:1.3)", [("blurry", 1.0, "blurry"), ("watermark", 1.3, "watermark")]),
        ("(hat, scarf:1.2)", [("hat", 1.2, "hat"), ("scarf", 1.2, "scarf")]),
        ("a (red:1.3) boat", [("a red boat", 1.3, "a (red:1.3) boat")]),
        ("hat BREAK text", [("hat", 1.0, "hat"), ("text", 1.0, "text")]),
        ("hat AND text :0.5", [("hat", 1.0, "hat"), ("text", 0.5, "text")]),
        ("hat AND NOT text", [("hat", 1.0, "hat"), ("text", -1.0, "text")]),
        ("cat, a cat, cat", [("cat", 1.0, "cat"), ("a cat", 1.0, "a cat")]),
        ("(hat:0)", [("hat", 0.0, "hat")]),
    ],
)
def test_a_text_is_a_list_of_terms(text: str, terms: list[tuple[str, float, str]]) -> None:
    assert told(text) == terms


def test_dialects_are_kept_apart() -> None:
    assert told("(hat:1.2)", "plain") == [("(hat:1.2)", 1.0, "(hat:1.2)")]
    assert told("(hat:1.2)", "comfy") == [("hat", 1.2, "hat")]


def test_a_schedule_gives_its_term_a_window() -> None:
    windows = {term.avoid.term: term.avoid.window for term in terms_of("[hat,:text,:0.3] blurry", steps=10)}
    assert windows == {"hat": (0.0, 0.3), "text": (0.3, 1.0), "blurry": (0.0, 1.0)}


def test_terms_come_back_as_given() -> None:
    terms = (
        Avoid(term="hat", weight=1.2, window=(0, 0.5), source="brand@2", locked=True),
        Avoid(term="a, b"),
    )
    assert tuple(term.avoid for term in terms_of(terms)) == terms
    assert all(term.span is None for term in terms_of(terms))
    assert terms_of(None) == ()


@given(st.text(alphabet="ab c,():1.2[]|\\\nAND", max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_text_can_be_told_apart(text: str) -> None:
    for term in terms_of(text, steps=4):
        start, end = term.span or (0, 0)
        assert 0 <= start < end <= len(text)
        assert term.avoid.term.strip() == term.avoid.term != ""
        assert 0 <= term.avoid.window[0] < term.avoid.window[1] <= 1


def test_content_words_leave_out_words_without_a_picture() -> None:
    assert content_words("a Hat on the (red:1.2) cat") == ("hat", "red", "1", "2", "cat")
    assert content_words("out of") == ("out", "of")
