"""Inline forms: one text for both sides."""

from typing import cast

import pytest

from negspace.errors import RequestError
from negspace.prompt import Form, split_inline


@pytest.mark.parametrize(
    ("text", "forms", "prompt", "avoid"),
    [
        ("a house | blurry, text", ["bar"], "a house", "blurry, text"),
        ("a house|blurry|text", ["bar"], "a house", "blurry|text"),
        ("a [b|c] (d|e) | f", ["bar"], "a [b|c] (d|e)", "f"),
        (r"a \| b", ["bar"], r"a \| b", None),
        (r"a \\| b", ["bar"], r"a \\", "b"),
        ("a [b | c", ["bar"], "a [b", "c"),  # a bracket without a partner holds nothing together
        ("a |", ["bar"], "a", ""),
        ("| a", ["bar"], "", "a"),
        ("a house ### blurry", ["hashes"], "a house", "blurry"),
        ("a###b###c", ["hashes"], "a", "b###c"),
        ("a ## b", ["hashes"], "a ## b", None),
        ("a house --no blurry, text", ["no"], "a house", "blurry, text"),
        ("a --no x --ar 16:9", ["no"], "a --ar 16:9", "x"),
        ("a --no x --no y", ["no"], "a", "x, y"),
        ("--no x", ["no"], "", "x"),
        ("a --no", ["no"], "a", ""),
        ("a --nox b--no c", ["no"], "a --nox b--no c", None),
        ("a -- no x", ["no"], "a -- no x", None),
        ("a --no x -- y", ["no"], "a", "x -- y"),
        ("a | b ### c", ["bar", "hashes"], "a", "b ### c"),
        ("a ### b | c", ["bar", "hashes"], "a", "b | c"),
        ("a --no x | y", ["bar", "no"], "a", "x, y"),
        ("a | b --no x", ["bar", "no"], "a", "b --no x"),
        ("a | b", ["no", "hashes"], "a | b", None),
        ("a | b ### c --no d", [], "a | b ### c --no d", None),
        (
            "a house —no blurry, text",
            ["no"],
            "a house",
            "blurry, text",
        ),  # autocorrection joins the two dashes
        ("a –no x –no y --ar 1:1", ["no"], "a --ar 1:1", "x, y"),
        ("a —none of it—no", ["no"], "a —none of it—no", None),
        ("a — no x", ["no"], "a — no x", None),
        ("  a  ", ["bar", "hashes", "no"], "  a  ", None),
        ("", ["bar", "hashes", "no"], "", None),
    ],
)
def test_forms(text: str, forms: list[Form], prompt: str, avoid: str | None) -> None:
    inline = split_inline(text, forms)
    assert (inline.prompt, inline.avoid) == (prompt, avoid)
    if avoid is not None:
        assert ", ".join(text[slice(*span)] for span in inline.spans if span[1] > span[0]) == avoid


def test_all_forms_are_read_unless_some_are_named() -> None:
    assert split_inline("a --no b ### c").avoid == "b, c"


def test_an_unknown_form_is_told() -> None:
    with pytest.raises(RequestError, match="no inline form is called 'pipe'; there are: bar, hashes, no"):
        split_inline("a", [cast(Form, "pipe")])
