"""a1111: AUTOMATIC1111's published attention cases, what its own parser printed, and what it leaves open."""

import json
import pickle
from copy import deepcopy
from pathlib import Path

import pytest

from negspace.errors import PromptError, RequestError
from negspace.prompt import Chunk, Prompt, parse, write

Pairs = list[tuple[str, float]]

PRINTED = json.loads((Path(__file__).parent / "a1111.json").read_text(encoding="utf-8"))["attention"]
"""600 prompts and what AUTOMATIC1111 printed for them, without empty chunks; `bench/a1111.py` made them."""

# The doctests of parse_prompt_attention, restated; the numbers are exact, down to the last digit.
PUBLISHED: list[tuple[str, Pairs]] = [
    ("normal text", [("normal text", 1.0)]),
    ("an (important) word", [("an ", 1.0), ("important", 1.1), (" word", 1.0)]),
    ("(unbalanced", [("unbalanced", 1.1)]),
    (r"\(literal\]", [("(literal]", 1.0)]),
    ("(unnecessary)(parens)", [("unnecessaryparens", 1.1)]),
    (
        "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
        [
            ("a ", 1.0),
            ("house", 1.5730000000000004),
            (" ", 1.1),
            ("on", 1.0),
            (" a ", 1.1),
            ("hill", 0.55),
            (", sun, ", 1.1),
            ("sky", 1.4641000000000006),
            (".", 1.1),
        ],
    ),
]


def pairs(text: str) -> Pairs:
    return [(chunk.text, chunk.weight) for chunk in parse(text).chunks]


def codes(prompt: Prompt) -> list[str]:
    return [finding.code for finding in prompt.findings]


@pytest.mark.parametrize(("text", "expected"), PUBLISHED, ids=[text for text, _ in PUBLISHED])
def test_published_attention_cases(text: str, expected: Pairs) -> None:
    assert pairs(text) == expected


def test_every_made_up_prompt_is_read_as_there() -> None:
    """Brackets of any kind and depth, escapes, stray backslashes, BREAK in brackets: the same numbers."""
    other = [text for text, printed in PRINTED if [list(pair) for pair in pairs(text) if pair[0]] != printed]
    assert len(PRINTED) == 600 and not other


def test_a_hundred_brackets_multiply_in_the_order_of_the_original() -> None:
    """1.3 * 1.1 * ... and 1.1 * ... * 1.3 differ in the last digits; innermost first."""
    weight = 1.3
    for _ in range(100):
        weight *= 1.1
    assert pairs("(" * 100 + "(a:1.3)" + ")" * 100) == [("a", weight)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("", 1.0)]),
        (" ", [(" ", 1.0)]),
        ("()", [("", 1.0)]),
        ("(a:1.2)b", [("a", 1.2), ("b", 1.0)]),
        ("(a: 1.2 )", [("a", 1.2)]),
        ("(a:+.5)", [("a", 0.5)]),
        ("(a:-1)", [("a", -1.0)]),
        ("(a:0)", [("a", 0.0)]),
        ("[a]", [("a", 1 / 1.1)]),
        ("[(a)]", [("a", 1.1 * (1 / 1.1))]),
        ("(a:b)", [("a:b", 1.1)]),
        ("(a:b:1.2)", [("a:b", 1.2)]),
        ("(a:1.2:1.1)", [("a:1.2", 1.1)]),
        ("(a:-0.0001)", [("a", -0.0001)]),
        ("(:1.2)", [("", 1.0)]),
        ("a:1.2", [("a:1.2", 1.0)]),
        ("(ratio 16:9 wide)", [("ratio 16:9 wide", 1.1)]),
        (r"a\\b", [("a\\b", 1.0)]),
        (r"\((\):1.3)", [("(", 1.0), (")", 1.3)]),
        ("(a\nb:1.2)\nc", [("a\nb", 1.2), ("\nc", 1.0)]),
        ("(a：1.2)", [("a：1.2", 1.1)]),  # a full-width colon is a letter
        ("(a:１.５)", [("a", 1.5)]),  # full-width and other decimal digits are digits
        ("(a:٢)", [("a", 2.0)]),
        ("(a:1e3)", [("a:1e3", 1.1)]),  # AUTOMATIC1111 knows no exponents
        ("(a:nan)", [("a:nan", 1.1)]),
        ("(a:inf)", [("a:inf", 1.1)]),
        ("[word:1.5]", [("word:1.5", 1 / 1.1)]),  # a schedule, never a weight
    ],
)
def test_corners(text: str, expected: Pairs) -> None:
    assert pairs(text) == expected


def test_round_and_square_ranges_overlap() -> None:
    """As in AUTOMATIC1111 each kind of bracket looks for its own kind only."""
    assert pairs("(a [b) c] d") == [("a ", 1.1), ("b", 1.1 * (1 / 1.1)), (" c", 1 / 1.1), (" d", 1.0)]


def test_break_is_its_own_chunk() -> None:
    prompt = parse("a house \n BREAK, snow")
    assert prompt.chunks == (("a house", 1.0), ("BREAK", -1.0), (", snow", 1.0))
    assert [chunk.kind for chunk in prompt.chunks] == ["text", "break", "text"]
    assert prompt.chunks[1].span == (10, 15)
    assert prompt.clean == "a house , snow"


@pytest.mark.parametrize("text", ["BREAKFAST", "a_BREAK", "break", "BREAK2", "éBREAK"])
def test_break_is_a_word_by_itself(text: str) -> None:
    assert pairs(text) == [(text, 1.0)]


@pytest.mark.parametrize("text", ["BREAK", " BREAK ", "(BREAK)", "[BREAK:-1]"])
def test_break_at_the_ends_leaves_no_empty_text(text: str) -> None:
    assert ("", 1.0) not in parse(text).chunks
    assert any(chunk.kind == "break" for chunk in parse(text).chunks)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(a BREAK b:1.2)", [("a", 1.2), ("BREAK", -1.2), ("b", 1.2)]),
        ("[a BREAK b]", [("a", 1 / 1.1), ("BREAK", -1 / 1.1), ("b", 1 / 1.1)]),
        ("(a BREAK b:1)", [("a", 1.0), ("BREAK", -1.0), ("b", 1.0)]),
        ("(BREAK:-1)", [("BREAK", 1.0)]),
    ],
)
def test_gap_break_inside_a_weight(text: str, expected: Pairs) -> None:
    """AUTOMATIC1111 multiplies the marker as well, and later takes it for a word. The numbers are the same
    here, and it stays a break, with a note."""
    prompt = parse(text, strict=True)
    assert pairs(text) == expected
    assert [chunk.kind for chunk in prompt.chunks if chunk.text == "BREAK"] == ["break"]
    assert codes(prompt) == ["break"] * (("BREAK", -1.0) not in expected)
    assert parse(write(prompt)).chunks == prompt.chunks


def test_break_of_weight_zero_is_joined_to_its_neighbours() -> None:
    """0 and -0 are equal, so AUTOMATIC1111 makes one text of all three."""
    prompt = parse("(a BREAK b:0)")
    assert pairs("(a BREAK b:0)") == [("aBREAKb", 0.0)] and codes(prompt) == ["break"]
    with pytest.raises(PromptError, match="BREAK at the weight 0"):
        parse("(a BREAK b:0)", strict=True)


def test_a_stray_backslash_divides_what_has_another_weight() -> None:
    """There it is a chunk without text; equal neighbours of it are one chunk, others are not."""
    assert pairs("a\\b") == [("ab", 1.0)]
    assert pairs("a(\\:1.2)b") == [("a", 1.0), ("b", 1.0)]


def test_gap_weight_minus_one_beside_break() -> None:
    """A chunk without text and of weight 1 stands between them, so that they are not joined."""
    prompt = parse("(a:-1) BREAK (b:-1)")
    assert prompt.chunks == (("a", -1.0), ("BREAK", -1.0), ("b", -1.0))
    assert [chunk.kind for chunk in prompt.chunks] == ["text", "break", "text"]


def test_gap_number_with_two_points() -> None:
    """`(x:1.2.3)` crashes AUTOMATIC1111. Here the bracket is text, and the finding says where."""
    text = "a (x:1.2.3) b"
    prompt = parse(text)
    assert prompt.chunks == ((text, 1.0),)
    assert codes(prompt) == ["number"]
    assert prompt.findings[0].span == (5, 10) and text[5:10] == "1.2.3"
    with pytest.raises(PromptError, match="'1.2.3' is not a weight") as caught:
        parse(text, strict=True)
    assert caught.value.span == (5, 10)


def test_bad_number_leaves_the_weights_inside_and_around_it() -> None:
    assert pairs("((a:1.2) b:..) c)") == [("(", 1.0), ("a", 1.2), (" b:..) c)", 1.0)]
    assert pairs("(((a:1.2) b:..) c)") == [("(", 1.1), ("a", 1.2 * 1.1), (" b:..) c", 1.1)]


def test_gap_tags_with_brackets_survive_in_plain() -> None:
    """`ereshkigal (fate)` on an encoder that knows no weights."""
    text = "ereshkigal (fate), [x|y], \\(a\\) BREAK (b:1.5) AND c"
    assert parse(text, "plain").chunks == ((text, 1.0),)
    assert parse(text, "plain", strict=True).clean == text


@pytest.mark.parametrize(
    ("text", "code", "span"),
    [
        ("a (b", "unbalanced", (2, 3)),
        ("a [b", "unbalanced", (2, 3)),
        ("a) b", "unbalanced", (1, 2)),
        ("a] b", "unbalanced", (1, 2)),
        ("a:1.2) b", "unbalanced", (5, 6)),
        ("a\\b", "escape", (1, 2)),
        ("ab\\", "escape", (2, 3)),
        ("(a:..)", "number", (3, 5)),
        (f"(a:{'9' * 400})", "number", (3, 403)),
    ],
)
def test_what_is_strange_is_noted_and_strict_refuses_it(text: str, code: str, span: tuple[int, int]) -> None:
    finding = parse(text).findings[0]
    assert (finding.code, finding.span, finding.level) == (code, span, "warning")
    with pytest.raises(PromptError) as caught:
        parse(text, strict=True)
    assert caught.value.span == span
    assert str(caught.value).startswith(finding.text)


def test_a_schedule_taken_for_a_weight_is_mentioned_but_no_error() -> None:
    prompt = parse("[blurry:1.5]", strict=True)
    assert [(found.code, found.level) for found in prompt.findings] == [("schedule", "note")]


@pytest.mark.parametrize("text", ["a (b:1.2) [c] \\(d\\) \\\\", "a\nb", "(a:b)", "a BREAK b"])
def test_what_is_in_order_has_no_findings(text: str) -> None:
    assert parse(text, strict=True).findings == ()


def test_a_lone_backslash_is_dropped_as_there() -> None:
    assert pairs("a\\b\\") == [("ab", 1.0)]


def test_weights_too_large_to_multiply_stay_numbers() -> None:
    digits = "1" + "0" * 308  # 1e308
    assert parse(f"(a:{digits})", strict=True).chunks == (("a", 1e308),)
    prompt = parse(f"((a:{digits}):{digits})")
    assert prompt.chunks[0].weight == 1.7976931348623157e308
    assert codes(prompt) == ["weight-range"]
    assert parse(f"((a:-{digits}):{digits})").chunks[0].weight == -1.7976931348623157e308


def test_too_many_findings_are_counted() -> None:
    prompt = parse(")" * 150)
    assert codes(prompt) == ["unbalanced"] * 100 + ["more"]
    assert prompt.findings[-1].text == "50 more findings"


def test_spans_hold_the_text_in_the_source() -> None:
    text = r"a (big \(red\):1.3) ((house)(boat)), BREAK x"
    prompt = parse(text)
    places = {chunk.text: text[slice(*chunk.span)] for chunk in prompt.chunks}
    assert places == {
        "a ": "a ",
        "big (red)": r"big \(red\)",
        " ": " ",
        "houseboat": "house)(boat",
        ",": ",",
        "BREAK": "BREAK",
        "x": "x",
    }


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a (b) [c]", "a (b:1.1) (c:0.9090909090909091)"),
        ("a\\\\b \\(c\\)", "a\\\\b \\(c\\)"),
        ("(a BREAK b:1)", "a BREAK b"),
        ("(a BREAK b:1.2)", "(a:1.2)(BREAK:1.2)(b:1.2)"),
        ("(a:1.2) BREAK (b:1.2)", "(a:1.2) BREAK (b:1.2)"),
        ("(a:0.0000001)", "(a:0.0000001)"),
        ("(a:-1.50)", "(a:-1.5)"),
        ("(x:1.2.3)", "\\(x:1.2.3\\)"),
        ("", ""),
    ],
)
def test_writing(text: str, written: str) -> None:
    prompt = parse(text)
    assert write(prompt) == written
    assert parse(written, strict=True).chunks == prompt.chunks


def test_white_space_beside_break_survives_writing() -> None:
    prompt = Prompt((Chunk("a ", 1.0), Chunk("BREAK", -1.0, (0, 0), "break"), Chunk(" b", 1.0)), "a1111", "")
    assert parse(write(prompt)).chunks == prompt.chunks


def test_words_of_the_syntax_survive_as_words() -> None:
    prompt = parse("BREAK the ice AND [run|walk:3]", "plain")
    written = write(prompt, "a1111")
    assert parse(written).chunks == prompt.chunks
    assert [chunk.kind for chunk in parse(written).chunks] == ["text"]


def test_a_chunk_is_a_frozen_pair() -> None:
    chunk = parse("(cat:1.3)").chunks[0]
    text, weight = chunk
    assert (text, weight) == chunk == (chunk.text, chunk.weight) == ("cat", 1.3)
    assert hash(chunk) == hash(("cat", 1.3))
    for copy in (deepcopy(chunk), pickle.loads(pickle.dumps(chunk))):
        assert copy == chunk and copy.span == (1, 4) and copy.kind == "text"
    with pytest.raises(AttributeError, match="frozen"):
        chunk.span = (0, 0)
    assert repr(chunk) == "Chunk('cat', 1.3, span=(1, 4), kind='text')"


def test_an_unknown_dialect_is_told() -> None:
    with pytest.raises(RequestError, match="no dialect is called 'a111'; did you mean 'a1111'"):
        parse("a", "a111")
